// Choosing an agent: a list while there are few, and a field that looks names up when there are more
// than one request brings.

import { useEffect, useId, useRef, useState } from "react";

import { query, read } from "$/public/api.js";

const FEW = 200;
const OFFERED = 50; // names under the field
const PAUSE_MS = 150;

/** The first agents by name, in this state or any: `{items, hasMore}`; null until they are known. */
export async function readAgents(state = null) {
  const { items, next } = await read(`/agents${query({ state, limit: FEW })}`);
  return { items, hasMore: next !== null };
}

/** The agent of that name, though it may not be among the first; null where there is none. */
export async function findAgent(name, state = null) {
  const { items } = await read(`/agents${query({ state, text: name, limit: FEW })}`);
  return items.find((each) => each.name === name) ?? null;
}

/** A list of these `names`, or the field. `any` is the word for no agent in particular, if that can be. */
export function AgentName({ names, hasMore, value, any = null, state = null, none = "", onChange }) {
  if (hasMore) return <Lookup value={value} any={any} state={state} onChange={onChange} />;
  const options = value && !names.includes(value) ? [value, ...names] : names;
  return (
    <select aria-label="Agent" value={value ?? ""} disabled={!options.length && any === null} onChange={(event) => onChange(event.target.value || null)}>
      {any !== null && <option value="">{any}</option>}
      {options.map((name) => <option key={name} value={name}>{name}</option>)}
      {!options.length && any === null && <option value="">{none}</option>}
    </select>
  );
}

function Lookup({ value, any, state, onChange }) {
  const [text, setText] = useState(value ?? "");
  const [names, setNames] = useState([]);
  const said = useRef(onChange);
  said.current = onChange;
  const id = useId();
  useEffect(() => setText(value ?? ""), [value]);
  useEffect(() => {
    const leaving = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const { items } = await read(`/agents${query({ state, text: text.trim(), limit: OFFERED })}`, { signal: leaving.signal });
        setNames(items.map((each) => each.name));
        if (text.trim() !== value && items.some((each) => each.name === text.trim())) said.current(text.trim());
      } catch {
        // the next letter asks again
      }
    }, text ? PAUSE_MS : 0);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [text, state, value]);
  const change = (next) => {
    setText(next);
    if (names.includes(next) || (!next && any !== null)) onChange(next || null);
  };
  return (
    <>
      <input type="search" aria-label="Agent" list={id} value={text} placeholder={any ?? "Name of an agent"} maxLength={64} autoComplete="off" spellCheck={false}
        onChange={(event) => change(event.target.value)} onBlur={() => setText(value ?? "")} />
      <datalist id={id}>{names.map((name) => <option key={name} value={name} />)}</datalist>
    </>
  );
}
