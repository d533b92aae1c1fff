import assert from 'node:assert/strict';
import { marked } from 'marked';
import type { CheckResult, Diagnosis } from '../../src/diagnosis/check.ts';
import { report, summary } from '../../src/diagnosis/report.ts';

const good: CheckResult = {
  id: 'dns',
  title: 'Name',
  verdict: 'ok',
  says: 'host is 192.0.2.1.',
  evidence: [],
  durationMs: 4.2,
};
const bad: CheckResult = {
  id: 'http',
  title: 'HTTP status',
  verdict: 'problem',
  says: 'It is broken.',
  advice: 'Mend it.',
  clause: { title: 'A rule', url: 'https://example.com/rule' },
  evidence: [
    {
      what: 'POST initialize',
      status: 500,
      headers: { 'content-type': 'text/plain' },
      body: 'out of order',
      durationMs: 1234,
    },
  ],
  durationMs: 1234,
};

describe('the report of a diagnosis', () => {
  it('begins with the outcome, lists every check, and tells more of what matters', () => {
    assert.equal(
      report(
        diagnosisOf(good, bad, {
          ...good,
          id: 'tls',
          title: 'Encryption',
          verdict: 'skipped',
          says: 'No TLS.',
        }),
      ),
      `# Diagnosis of github

1 problem. 1 in order, 1 skipped.

\`http://host/mcp\` · http · 2026-11-22 12:00:00 UTC · 1.3 s · resilient-mcp 1.2.3

| check | verdict | what was found | time |
| --- | --- | --- | ---: |
| Name | ok | host is 192.0.2.1. | 4\u00a0ms |
| HTTP status | **problem** | It is broken. | 1.2\u00a0s |
| Encryption | skipped | No TLS. |  |

## Problems

### HTTP status

It is broken.

*What to do:* Mend it.

*Rule:* [A rule](https://example.com/rule)

\`\`\`text
POST initialize → 500 (1.2 s)
  content-type: text/plain
  out of order
\`\`\`

---

No tool was called. Credentials, session ids and the queries of addresses are left out.

`,
    );
  });

  it('counts in words', () => {
    const noted: CheckResult = { ...good, verdict: 'note' };
    assert.equal(summary({ checks: [good, noted] }), 'No problem found. 1 note, 1 in order.');
    assert.equal(summary({ checks: [bad, bad, noted, noted] }), '2 problems. 2 notes, 0 in order.');
  });

  const hostile = [
    '<img src=x onerror=alert(1)>',
    '[click](command:evil)',
    '![x](http://evil.example/x.png)',
    '| a | b |',
    '```\n# not a heading',
    '**bold** _it_ `code` ~~gone~~ &lt;b&gt;',
    'see http://evil.example and https://evil.example',
    '\u202egnp.exe\u0007\r\n# heading',
    '\\[x](y)',
  ];
  for (const words of hostile) {
    it(`shows as it stands what a server wrote: ${JSON.stringify(words)}`, () => {
      const evil = { ...bad, says: words, advice: words, evidence: [{ what: words, body: words }] };
      const html = marked.parse(report(diagnosisOf(evil)), { async: false });
      assert.equal((html.match(/<(?:img|b|em|strong|del|code|a)\b/g) ?? []).length, 6, html);
      assert.equal((html.match(/<h[1-6]/g) ?? []).length, 3);
      assert.equal((html.match(/<td/g) ?? []).length, 4);
      assert.doesNotMatch(html, /<img|onerror=alert\(1\)>|href="(?!https:\/\/example\.com\/rule)|\u202e/);
    });
  }
});

function diagnosisOf(...checks: CheckResult[]): Diagnosis {
  return {
    format: 1,
    product: '1.2.3',
    server: { name: 'github', type: 'http', target: 'http://host/mcp' },
    at: Date.UTC(2026, 10, 22, 12),
    durationMs: 1300,
    checks,
  };
}
