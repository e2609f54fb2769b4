// API keys: made, shown once, listed with their last use, revoked after a question. Owners only.

import { useCallback, useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";

import { read, send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useRowKeys } from "$/public/keys.js";
import { Ago, Command, Copy, Dialog, Failure, Icon, Panel, useNow } from "$/public/parts.jsx";

const CUT_SECONDS = 5; // a revoked key opens nothing after that, everywhere

/** The list, the form, and what belongs to them. */
export function Keys() {
  const [search, setSearch] = useSearchParams();
  const isAll = search.has("revoked");
  const { keys, problem, load } = useList();
  const [made, setMade] = useState(null);
  const [leaving, setLeaving] = useState(null);
  const now = useNow(15_000);
  const showAll = (next) => setSearch(next ? { tab: "keys", revoked: "" } : { tab: "keys" }, { replace: true });
  if (problem && !keys) return <Failure title="The keys could not be read" problem={problem} onRetry={load} />;
  if (!keys) return <div className="panel sk-rows">{[50, 60, 40].map((width) => <div className="sk-row" key={width}><span className={`sk sk-w${width}`} /><span className="sk sk-num" /></div>)}</div>;
  const revoked = keys.filter((key) => key.revoked_at);
  const shown = isAll ? keys : keys.filter((key) => !key.revoked_at);
  return (
    <div className="stack">
      <CreateForm onMade={(key) => { setMade(key); load(); }} />
      <Panel title="Keys" count={keys.length - revoked.length} tools={revoked.length > 0 && (
        <button type="button" className="btn ghost small" aria-pressed={isAll} onClick={() => showAll(!isAll)}>{isAll ? "Hide revoked" : `Show ${revoked.length} revoked`}</button>)}>
        {!shown.length && <Empty />}
        {shown.length > 0 && <List keys={shown} now={now} onRevoke={setLeaving} />}
      </Panel>
      {made && <Made made={made} onClose={() => setMade(null)} />}
      {leaving && <Revoke leaving={leaving} onClose={() => setLeaving(null)} onDone={() => { setLeaving(null); load(); }} />}
    </div>
  );
}

function useList() {
  const [keys, setKeys] = useState(null);
  const [problem, setProblem] = useState(null);
  const load = useCallback(async () => {
    try {
      setKeys((await read("/keys")).items);
      setProblem(null);
    } catch (failure) {
      setProblem(failure);
    }
  }, []);
  useEffect(() => {
    load();
  }, [load]);
  return { keys, problem, load };
}

function CreateForm({ onMade }) {
  const [name, setName] = useState("");
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    if (!name.trim() || isBusy) return;
    setBusy(true);
    setProblem(null);
    try {
      onMade(await send("POST", "/keys", { name: name.trim() }));
      setName("");
    } catch (failure) {
      setProblem(failure);
    }
    setBusy(false);
  };
  return (
    <section className="panel newkey" aria-label="New key">
      <form onSubmit={submit}>
        <label className="grow"><span className="word">New key for</span>
          <span className="field"><input value={name} maxLength={80} placeholder="What will use it, such as nightly report" onChange={(event) => setName(event.target.value)} /></span></label>
        <button type="submit" className="btn primary" disabled={!name.trim() || isBusy}><Icon name="plus" size={14} />{isBusy ? "Creating" : "Create key"}</button>
      </form>
      {problem && <p className="error" role="alert"><Icon name="warning" size={14} />{problem.problems[0]?.rule ?? problem.message}</p>}
      <p className="meta">A key may ask agents, change them and read everything of the team; it cannot make other keys.</p>
    </section>
  );
}

function Empty() {
  return (
    <div className="quiet-face stack">
      <p>No key yet. A key lets a program ask agents and follow their tasks; make one above, or in a terminal on the machine of the hub:</p>
      <Command text="pygent token create --name report" />
    </div>
  );
}

function List({ keys, now, onRevoke }) {
  const body = useRef(null);
  useRowKeys(() => body.current.querySelectorAll("button[data-row]"));
  return (
    <table className="table cards keys">
      <thead><tr><th>Name</th><th>Begins with</th><th>Created</th><th className="right">Last use</th><th className="right"><span className="sr">Revoke</span></th></tr></thead>
      <tbody ref={body}>{keys.map((key) => (
        <tr key={key.id} className={key.revoked_at ? "retired" : ""}>
          <td className="t"><span className="row"><b className="clip name">{key.name}</b>{key.revoked_at && <span className="tag">revoked <Ago time={key.revoked_at} now={now} after=" ago" /></span>}</span></td>
          <td className="mono quiet">pgk_{key.prefix}_…</td>
          <td className="quiet"><Ago time={key.created_at} now={now} after=" ago" /><span className="sub"> by {format.actor(key.created_by)}</span></td>
          <td className="right num quiet" data-label="used">{key.last_used_at ? <Ago time={key.last_used_at} now={now} after=" ago" /> : <span className="sub">never</span>}</td>
          <td className="right">{!key.revoked_at && <button type="button" data-row className="btn danger small" aria-label={`Revoke ${key.name}`} onClick={() => onRevoke(key)}>Revoke</button>}</td>
        </tr>
      ))}</tbody>
    </table>
  );
}

/** The only time the key is seen. */
function Made({ made, onClose }) {
  return (
    <Dialog title={`Key for ${made.name}`} onClose={onClose} className="wide key">
      <div className="dialog-body">
        <p>Copy it now: only its hash is kept, and it is not shown again.</p>
        <div className="cmd"><span className="secret">{made.token}</span><Copy text={made.token} label="Copy the key" /></div>
        <p className="meta">A program sends it with each request. To try it:</p>
        <Command text={`curl -H "Authorization: Bearer ${made.token}" ${location.origin}/api/v1/me`} />
      </div>
      <footer><button type="button" className="btn primary" onClick={onClose}>I have copied it</button></footer>
    </Dialog>
  );
}

function Revoke({ leaving, onClose, onDone }) {
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const revoke = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await send("DELETE", `/keys/${leaving.id}`);
      onDone();
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  const used = leaving.last_used_at ? `It was used last ${format.exact(leaving.last_used_at)}.` : "It was never used.";
  return (
    <Dialog title={`Revoke ${leaving.name}?`} onClose={onClose}>
      <div className="dialog-body">
        <p>Whatever uses <code>pgk_{leaving.prefix}_…</code> is refused within {CUT_SECONDS} s, its sockets too. This cannot be undone. {used}</p>
        {problem && <p className="error" role="alert"><Icon name="warning" size={14} />{problem.message}</p>}
      </div>
      <footer>
        <button type="button" className="btn" onClick={onClose}>Keep it</button>
        <button type="button" className="btn danger" disabled={isBusy} onClick={revoke}>{isBusy ? "Revoking" : "Revoke key"}</button>
      </footer>
    </Dialog>
  );
}
