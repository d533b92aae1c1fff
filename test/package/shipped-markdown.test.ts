import assert from 'node:assert/strict';
import { withoutPaths } from '../../scripts/shipped-markdown.ts';

describe('a Markdown file that is shipped without a public address', () => {
  it('loses its pictures with a path, line and all, and keeps those from https', () => {
    const kept = '![Shown](https://host.example/a.png)\n';
    assert.equal(
      withoutPaths(`# A\n\n![Not](media/a.png)\n\n<img src="b.png" alt="x">\n\n${kept}`),
      `# A\n\n${kept}`,
    );
  });

  it('keeps the text of a link with a path, and a link to the web or into the page whole', () => {
    assert.equal(withoutPaths('See [the rules](docs/protocol.md#a), and more.'), 'See the rules, and more.');
    const whole = '[a](https://host.example/) [b](#b) [c](mailto:c@host.example)';
    assert.equal(withoutPaths(whole), whole);
  });
});
