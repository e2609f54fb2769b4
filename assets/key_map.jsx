// The keys behind `?`, drawn from the table that binds them: those of this page first.

import { active, caps } from "$/public/keys.js";
import { Dialog } from "$/public/parts.jsx";

/** The list. */
export function KeyMap({ onClose }) {
  const rows = active();
  return (
    <Dialog title="Keys" onClose={onClose}>
      <Rows title="On this page" rows={rows.filter((row) => row.isHere)} />
      <Rows title="Everywhere" rows={rows.filter((row) => !row.isHere)} />
    </Dialog>
  );
}

function Rows({ title, rows }) {
  if (!rows.length) return null;
  return (
    <section className="keylist" aria-label={title}>
      <h3>{title}</h3>
      <dl>
        {rows.map(({ name, keys, does }) => (
          <div key={name}>
            <dt>{caps(keys).map((key) => <kbd key={key}>{key}</kbd>)}</dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
