// A text that is edited as source: numbered lines, coloured words under the letters one types, and
// marks at lines that something is said about. The field is the browser's own.

import { memo, useMemo } from "react";

import { YamlLine } from "$/public/code.jsx";
import { Icon, useIsPhone } from "$/public/parts.jsx";

const MOST_COLOURED = 400; // lines; a longer text is drawn by its field alone
const LINE = { desk: 20, phone: 24 }; // px, as in the stylesheet
const ABOVE = 8; // px

/** The text; `marks` maps lines, from 1, to what is said about them. */
export function SourceText({ text, marks, onChange, label }) {
  const lines = text.split("\n");
  const isPlain = lines.length > MOST_COLOURED;
  return (
    <div className={`sourcetext ${isPlain ? "plain" : ""}`}>
      {isPlain ? <Numbers count={lines.length} marks={marks} /> : (
        <div className="sourcelines" aria-hidden="true">
          {lines.map((line, index) => <SourceLine key={index} number={index + 1} text={line} mark={marks.get(index + 1)} />)}
        </div>
      )}
      <textarea aria-label={label} value={text} rows={isPlain ? lines.length : undefined} wrap="off" spellCheck={false} autoCapitalize="off" autoCorrect="off" autoComplete="off"
        onChange={(event) => onChange(event.target.value)} />
      {[...marks].map(([line, said]) => <span key={line} className="sr">Line {line}: {said}</span>)}
    </div>
  );
}

/** Beside a long text: its numbers as one text, its marks where their lines are. */
function Numbers({ count, marks }) {
  const isPhone = useIsPhone();
  const height = isPhone ? LINE.phone : LINE.desk;
  const numbers = useMemo(() => Array.from({ length: count }, (_, index) => index + 1).join("\n"), [count]);
  return (
    <div className="sourcelines" aria-hidden="true">
      {[...marks].map(([line, said]) => <span key={line} className="sl marked" style={{ top: ABOVE + (line - 1) * height }} title={said} />)}
      <span className="n">{numbers}</span>
    </div>
  );
}

const SourceLine = memo(function SourceLine({ number, text, mark }) {
  return (
    <div className={`sl ${mark ? "marked" : ""}`}>
      <span className="n" title={mark}>{mark ? <Icon name="s-failed" size={12} /> : number}</span>
      <span className="tx"><Words text={text} />{"\u200b"}</span>
      {mark && <span className="say">{mark}</span>}
    </div>
  );
});

function Words({ text }) {
  if (/^\s*#/.test(text)) return <span className="c-com">{text}</span>;
  return <YamlLine text={text} />;
}
