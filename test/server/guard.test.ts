import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type GuardOptions, guard } from '../../src/endpoint/guard.ts';
import { initialize, served } from './served.ts';

function verdict(headers: Record<string, string>, options: GuardOptions = {}): string {
  return guard(new Request('http://127.0.0.1:3000/mcp', { headers }), options) ? 'refused' : 'served';
}

describe('the guard', () => {
  const byDefault: Record<string, 'served' | 'refused'> = {
    localhost: 'served',
    'localhost:3000': 'served',
    'LocalHost:3000': 'served',
    'app.localhost:3000': 'served',
    '127.0.0.1:3000': 'served',
    '127.8.9.10': 'served',
    '[::1]:3000': 'served',
    'evil.example': 'refused',
    'evil.example:3000': 'refused',
    'localhost.evil.example': 'refused',
    '127.0.0.1.evil.example': 'refused',
    '10.0.0.1': 'refused',
    'evil.example@localhost': 'refused',
    'evil.example/localhost': 'refused',
    'evil.example#localhost': 'refused',
    'a b': 'refused',
    '': 'refused',
  };
  for (const [host, expected] of Object.entries(byDefault)) {
    it(`by default, the host "${host}" is ${expected}`, () => assert.equal(verdict({ host }), expected));
  }

  it('takes the name from the address when there is no Host header, as in a handler on fetch', () => {
    assert.equal(verdict({}), 'served');
    assert.ok(guard(new Request('http://evil.example/'), {}));
  });

  it('serves the hosts that its owner names, and then no others', () => {
    const options = { allowedHosts: ['mcp.example.com'] };
    assert.equal(verdict({ host: 'MCP.example.com:8443' }, options), 'served');
    assert.equal(verdict({ host: 'localhost' }, options), 'refused');
    assert.equal(verdict({ host: 'localhost' }, { allowedHosts: 'any' }), 'served');
  });

  const origins: [host: string, origin: string, options: GuardOptions, expected: string][] = [
    ['localhost:3000', 'http://localhost:5173', {}, 'served'],
    ['127.0.0.1:3000', 'http://localhost:5173', {}, 'served'],
    ['localhost:3000', 'https://evil.example', {}, 'refused'],
    ['localhost:3000', 'null', {}, 'refused'],
    ['localhost:3000', 'file://', {}, 'refused'],
    ['localhost:3000', 'https://app.example', { allowedOrigins: ['https://app.example'] }, 'served'],
    ['localhost:3000', 'https://app.example.evil', { allowedOrigins: ['https://app.example'] }, 'refused'],
    ['mcp.example', 'https://mcp.example', { allowedHosts: ['mcp.example'] }, 'served'],
    ['mcp.example', 'http://localhost:5173', { allowedHosts: ['mcp.example'] }, 'refused'],
  ];
  for (const [host, origin, options, expected] of origins) {
    it(`a page of ${origin} at ${host} is ${expected}`, () =>
      assert.equal(verdict({ host, origin }, options), expected));
  }

  it('stops a page that points its own name at this machine, on the wire', async () => {
    await using server = await served();
    const status = await new Promise((resolve, reject) => {
      const options = {
        port: server.port,
        method: 'POST',
        headers: { host: 'evil.example', origin: 'http://evil.example' },
      };
      const attempt = request(options, (response) => resolve(response.resume().statusCode));
      attempt.once('error', reject).end(JSON.stringify(initialize));
    });
    assert.equal(status, 403);
    assert.equal(server.manager.sessions, 0);
  });

  it('repeats no more of a foreign header than a bounded, printable part', () => {
    const found = guard(new Request('http://a/', { headers: { host: 'x'.repeat(5000) } }), {});
    assert.ok(found && found.message.length < 300);
  });
});
