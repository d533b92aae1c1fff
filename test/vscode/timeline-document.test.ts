import assert from 'node:assert/strict';
import { timelineDocument } from '../../src/vscode/views/timeline/timeline-document.ts';
import { timelineFocus } from '../../src/vscode/views/timeline/timeline-focus.ts';
import { timelineStrings } from '../../src/vscode/views/timeline/timeline-strings.ts';

describe('the document of the timeline', () => {
  const document = timelineDocument({
    title: 'A & B "<i>"',
    language: 'de',
    script: 'https://file.example/timeline.js',
    style: 'https://file.example/timeline.css',
    source: 'https://*.example',
    nonce: 'abc123',
  });

  it('allows the one script that bears its nonce, the styles of the extension, and nothing else', () => {
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(document)?.[1]?.replaceAll('&#39;', "'");
    assert.deepEqual(policy?.split('; '), [
      "default-src 'none'",
      "script-src 'nonce-abc123'",
      'style-src https://*.example',
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  it('holds no script, no style and no handler of its own', () => {
    assert.deepEqual(document.match(/<script[^>]*>[^<]*/g), [
      '<script nonce="abc123" src="https://file.example/timeline.js">',
    ]);
    assert.doesNotMatch(document, /<style|\sstyle=|\son\w+=|javascript:/);
  });

  it('asks for nothing but its script and its style sheet', () => {
    assert.deepEqual([...document.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address).sort(), [
      'https://file.example/timeline.css',
      'https://file.example/timeline.js',
    ]);
  });

  it('sets its words as text, and its language', () => {
    assert.match(document, /<title>A &#38; B &#34;&#60;i&#62;&#34;<\/title>/);
    assert.match(document, /<html lang="de">/);
  });
});

describe('what the timeline is asked for', () => {
  it('is a server, one of its facts, or everything', () => {
    assert.deepEqual(timelineFocus('a'), { server: 'a' });
    assert.deepEqual(timelineFocus({ server: 'a', label: 'a row of the view' }), { server: 'a' });
    assert.deepEqual(timelineFocus({ server: 'a', seq: 7 }), { server: 'a', seq: 7 });
    for (const other of [undefined, null, 7, {}, { server: 7, seq: '7' }]) {
      assert.deepEqual(timelineFocus(other), {});
    }
  });
});

describe('the words of the timeline', () => {
  it('all go through the translation', () => {
    const marked = (value: unknown): unknown =>
      typeof value === 'object' && value !== null
        ? Object.values(value).every(marked)
        : String(value).startsWith('*');
    assert.ok(marked(timelineStrings((message) => `*${message}`)));
  });
});
