/** Where the page finds its parts, as the webview names them, and what it may do. */
export interface DocumentParts {
  readonly title: string;
  readonly language: string;
  readonly script: string;
  readonly style: string;
  /** The source of everything that the extension ships, for the policy. */
  readonly source: string;
  /** Fresh for each page. Only the script that bears it is run. */
  readonly nonce: string;
}

/**
 * The document of the timeline. Its policy allows one script and one style sheet of the extension, and nothing else: no
 * picture, no font, no connection, no frame. All content comes by messages and is set as text.
 */
export function timelineDocument({ title, language, script, style, source, nonce }: DocumentParts): string {
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="${escaped(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<link rel="stylesheet" href="${escaped(style)}">
</head>
<body>
<div id="timeline"></div>
<script nonce="${escaped(nonce)}" src="${escaped(script)}"></script>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
