// A text that is edited as source: numbered lines, coloured words under the letters one types, and
// marks at lines that something is said about. The field is the browser's own.

import { memo } from "react";

import { YamlLine } from "$/public/code.jsx";
import { Icon } from "$/public/parts.jsx";

const MOST_COLOURED = 2_000; // lines; longer texts are drawn plain

/** The text; `marks` maps lines, from 1, to what is said about them. */
export function SourceText({ text, marks, onChange, label }) {
  const lines = text.split("\n");
  return (
    <div className="sourcetext">
      <div className="sourcelines" aria-hidden="true">
        {lines.map((line, index) => (
          <SourceLine key={index} number={index + 1} text={line} mark={marks.get(index + 1)} isPlain={lines.length > MOST_COLOURED} />
        ))}
      </div>
      <textarea aria-label={label} value={text} wrap="off" spellCheck={false} autoCapitalize="off" autoCorrect="off" autoComplete="off"
        onChange={(event) => onChange(event.target.value)} />
      {[...marks].map(([line, said]) => <span key={line} className="sr">Line {line}: {said}</span>)}
    </div>
  );
}

const SourceLine = memo(function SourceLine({ number, text, mark, isPlain }) {
  return (
    <div className={`sl ${mark ? "marked" : ""}`}>
      <span className="n" title={mark}>{mark ? <Icon name="s-failed" size={12} /> : number}</span>
      <span className="tx">{isPlain ? text : <Words text={text} />}{"\u200b"}</span>
      {mark && <span className="say">{mark}</span>}
    </div>
  );
});

function Words({ text }) {
  if (/^\s*#/.test(text)) return <span className="c-com">{text}</span>;
  return <YamlLine text={text} />;
}
