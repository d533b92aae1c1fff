import assert from 'node:assert/strict';
import { type Zone, zoneOf } from '../../src/base/address-zones.ts';
import { issuerOfMetadata, mayBeAsked } from '../../src/protocol/http/authorization-targets.ts';

const hosts: Readonly<Record<Zone, readonly string[]>> = {
  loopback: [
    ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'localhost.localdomain', 'ip6-loopback'],
    ...[
      '127.0.0.1',
      '127.1',
      '127.255.255.254',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '0x7f000001',
      '127.0.0.1.',
    ],
    ...['0.0.0.0', '0', '%31%32%37.1', '１２７.1', '127。0。0。1'],
    ...['[::1]', '[::]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::127.0.0.1]', '[::ffff:7f00:1]'],
    ...['[64:ff9b::127.0.0.1]', '[2002:7f00:1::]'],
  ],
  linkLocal: [
    ...['169.254.169.254', '0xa9fea9fe', '2852039166', '169.254.1', '[fe80::1]', '[febf::1]'],
    ...['[::ffff:169.254.169.254]', '[64:ff9b::a9fe:a9fe]'],
  ],
  private: [
    ...[
      '10.0.0.1',
      '10.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '198.18.0.1',
      '192.0.0.8',
    ],
    ...['224.0.0.1', '255.255.255.255', '0xc0a80101', '[::ffff:10.0.0.1]', '[2002:c0a8:101::]'],
    ...['[fc00::1]', '[fdff::1]', '[fec0::1]', '[ff02::1]', '[2001:0:1::]', '[64:ff9b:1::1]'],
    ...[
      'intranet',
      'printer.local',
      'metadata.google.internal',
      'nas.home.arpa',
      'nas.lan',
      'printer.local.',
    ],
  ],
  public: [
    ...[
      'example.com',
      'localhost.example.com',
      '8.8.8.8',
      '11.0.0.1',
      '172.32.0.1',
      '172.15.0.1',
      '192.169.0.1',
    ],
    ...[
      '100.128.0.1',
      '169.253.0.1',
      '[2606:4700::1111]',
      '[2001:db8::1]',
      '[64:ff9b::8.8.8.8]',
      'local.example',
    ],
  ],
};

describe('where an address is', () => {
  for (const [zone, spellings] of Object.entries(hosts)) {
    it(`is ${zone}, in every spelling`, () => {
      const found = spellings.map((host) => [host, zoneOf(new URL(`http://${host}/`))]);
      assert.deepEqual(
        found,
        spellings.map((host) => [host, zone]),
      );
    });
  }

  it('decides which addresses a server may name for its authorization', () => {
    const may = (server: string, target: string) => mayBeAsked(new URL(server), new URL(target));
    const remote = 'https://mcp.example/mcp';
    const local = 'http://127.0.0.1:3000/mcp';
    const inside = 'https://mcp.corp.internal/mcp';
    assert.ok(may(remote, 'https://login.example/'));
    assert.ok(may('http://mcp.example/mcp', 'http://mcp.example/token'));
    assert.ok(may(local, 'http://localhost:4000/'));
    assert.ok(may(local, 'https://login.example/'));
    assert.ok(may(inside, 'https://login.corp.internal/'));
    for (const [server, target] of [
      [remote, 'http://login.example/'],
      [remote, 'https://127.0.0.1/'],
      [remote, 'http://mcp.example/'],
      [remote, 'https://169.254.169.254/latest/meta-data'],
      [remote, 'https://10.0.0.1/'],
      [remote, 'file:///etc/passwd'],
      [remote, 'data:application/json,{}'],
      [local, 'http://10.0.0.1/'],
      [local, 'http://login.example/'],
      [local, 'https://169.254.169.254/'],
      [inside, 'https://localhost/'],
    ] as const)
      assert.ok(!may(server, target), `${server} may name ${target}`);
  });

  it('names the issuer whose metadata is there', () => {
    for (const [url, issuer] of [
      ['https://a.example/.well-known/oauth-authorization-server', 'https://a.example'],
      ['https://a.example/.well-known/oauth-authorization-server/tenant', 'https://a.example/tenant'],
      ['https://a.example/.well-known/openid-configuration/tenant', 'https://a.example/tenant'],
      ['https://a.example/tenant/.well-known/openid-configuration', 'https://a.example/tenant'],
      ['https://a.example/.well-known/oauth-protected-resource', undefined],
      ['https://a.example/token', undefined],
    ] as const)
      assert.equal(issuerOfMetadata(new URL(url)), issuer);
  });
});
