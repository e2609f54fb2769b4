// Asking an agent about a collection, making one that can, and asking before anything is deleted.

import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { AgentName, findAgent, readAgents } from "$/public/agent_name.jsx";
import { read, send, submissionKey } from "$/public/api.js";
import * as format from "$/public/format.js";
import { bytes } from "$/public/knowledge_add.jsx";
import { pathOf } from "$/public/knowledge_uploads.js";
import { Dialog, Icon } from "$/public/parts.jsx";
import { start } from "$/public/started.js";

const GUIDE = "guide"; // the agent that answers from this product's own documentation
const TAKEN = 409;

/** A question to an agent that searches this collection; to any agent, when none is chosen. */
export function AskBox({ collection = null, text = "", title, isFocused = false }) {
  const navigate = useNavigate();
  const [agents, setAgents] = useState(null); // {names, hasMore}
  const [chosen, setChosen] = useState("");
  const [said, setSaid] = useState("");
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const key = useRef(submissionKey()); // repeating a submission that got no answer is one task
  useEffect(() => {
    let isGone = false;
    setAgents(null);
    agentsOf(collection).then((found) => {
      if (isGone) return;
      setAgents(found);
      setChosen(found.hasGuide ? GUIDE : found.names[0] ?? "");
    }).catch((failure) => isGone || setProblem(failure));
    return () => {
      isGone = true;
    };
  }, [collection]);
  const attempt = async (work) => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  const submit = (event) => {
    event?.preventDefault();
    const input = said.trim() || text;
    if (!input || !chosen || isBusy) return;
    attempt(async () => {
      const receipt = await send("POST", "/tasks", { agent: chosen, input }, { "idempotency-key": key.current });
      key.current = submissionKey();
      start(receipt.id, input);
      navigate(`/tasks/${receipt.id}`);
    });
  };
  const make = () => attempt(async () => {
    const name = await makeAgent(collection);
    setAgents({ names: [name], hasMore: false });
    setChosen(name);
    setBusy(false);
  });
  const enter = (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
  };
  const isNone = agents && !agents.names.length;
  return (
    <form className="ask kn-ask" onSubmit={submit} aria-label={title}>
      <h3>{title}</h3>
      {isNone && collection ? (
        <>
          <p className="meta">No agent searches {collection} yet. One that answers from its passages, with sources, needs no model and no key.</p>
          <button type="button" className="btn" disabled={isBusy} onClick={make}><Icon name="plus" size={14} />Make an agent for it</button>
        </>
      ) : (
        <>
          <textarea rows={2} aria-label="Question" value={said} placeholder={text || "What should I know?"} autoFocus={isFocused} onKeyDown={enter} onChange={(event) => setSaid(event.target.value)} />
          <div className="row">
            <AgentName names={agents?.names ?? []} hasMore={agents?.hasMore} value={chosen} state="active" none={agents ? "No agent yet" : "…"} onChange={(name) => name && setChosen(name)} />
            <button type="submit" className="btn primary" disabled={isBusy || !chosen || !(said.trim() || text)}><Icon name="play" size={14} />{isBusy ? "Starting" : "Run agent"}</button>
          </div>
        </>
      )}
      {problem && <p className="error" role="alert"><Icon name="warning" size={14} />{problem.message}</p>}
    </form>
  );
}

/** Those that search the collection, all of them; of any, the first to choose from. */
async function agentsOf(collection) {
  if (collection) {
    const { agents: names } = await read(`/collections/${encodeURIComponent(collection)}/use`);
    return { names, hasMore: false, hasGuide: names.includes(GUIDE) };
  }
  const { items, hasMore } = await readAgents("active");
  const names = items.map((each) => each.name);
  return { names, hasMore, hasGuide: names.includes(GUIDE) || (hasMore && Boolean(await findAgent(GUIDE, "active"))) };
}

/** An agent that answers from this collection; named like it, if that is free. */
async function makeAgent(collection) {
  const spec = {
    description: `Answers from the documents of ${collection}, with sources.`,
    instructions: "Search the documents before you answer. Say only what they say, in a few plain sentences, and cite each as [n].",
    model: "extractive", strategy: "react", tools: ["knowledge_search"], collections: [collection],
  };
  for (const name of [collection, `${collection}-reader`.slice(-63).replace(/^-+/, "")]) {
    try {
      return (await send("POST", "/agents", { ...spec, name })).name;
    } catch (problem) {
      if (problem.status !== TAKEN) throw problem;
    }
  }
  throw new Error(`There are agents named ${collection} and ${collection}-reader already; choose another name under Agents.`);
}

/** The box in a dialog. */
export function AskDialog({ collection, onClose }) {
  return (
    <Dialog title={collection ? `Ask about ${collection}` : "Ask an agent"} onClose={onClose} className="kn-dialog">
      <div className="dialog-body"><AskBox collection={collection} title={collection ? "The answer cites its passages" : "Which agent, and what"} isFocused /></div>
    </Dialog>
  );
}

/** What deleting a document takes away, and the two ways on. */
export function DeleteDocument({ document: found, onClose, onDone }) {
  const passages = found.chunks ? ` and its ${format.plural(found.chunks, "passage")}` : "";
  return (
    <Deleting title={`Delete ${found.title}?`} verb="Delete document" onClose={onClose} work={() => send("DELETE", pathOf(found.collection, found.id)).then(onDone)}>
      <p>The document ({bytes(found.bytes)}){passages} leave {found.collection}: searches and agents no longer find {found.chunks === 1 ? "it" : "them"}. Answers that cite {found.chunks === 1 ? "it" : "them"} keep their quotes.</p>
      <p className="meta">This cannot be undone; the file can be added again.</p>
    </Deleting>
  );
}

/** What deleting a collection takes away, counted first. */
export function DeleteCollection({ name, onClose, onDone }) {
  const [use, setUse] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    read(`/collections/${encodeURIComponent(name)}/use`).then(setUse).catch(setProblem);
  }, [name]);
  const agents = use?.agents ?? [];
  return (
    <Deleting title={`Delete ${name}?`} verb={use?.documents ? `Delete ${format.plural(use.documents, "document")}` : "Delete collection"} isReady={Boolean(use)} problem={problem}
      onClose={onClose} work={() => send("DELETE", `/collections/${encodeURIComponent(name)}`).then(onDone)}>
      {!use && !problem && <p className="meta">Counting what is in it</p>}
      {use && (use.documents ? <p>{format.plural(use.documents, "document")} ({bytes(use.bytes)}) with {format.plural(use.chunks, "passage")} are deleted for everybody in the team.</p> : <p>It is empty.</p>)}
      {agents.length > 0 && (
        <p className="kn-warn"><Icon name="warning" size={14} /><span>{agents.length === 1 ? "One agent searches it" : `${format.count(agents.length)} agents search it`}: <b>{agents.slice(0, 6).join(", ")}</b>{agents.length > 6 ? " and others" : ""}. {agents.length === 1 ? "It" : "They"} will find nothing there.</span></p>
      )}
      {use && <p className="meta">Answers that cite it keep their quotes. This cannot be undone.</p>}
    </Deleting>
  );
}

function Deleting({ title, verb, isReady = true, problem: found = null, work, onClose, children }) {
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  const said = problem ?? found;
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="dialog-body">{children}{said && <p className="error" role="alert"><Icon name="warning" size={14} />{said.message}</p>}</div>
      <footer><button type="button" className="btn" onClick={onClose} autoFocus>Keep it</button><button type="button" className="btn danger" disabled={!isReady || isBusy} onClick={remove}>{isBusy ? "Deleting" : verb}</button></footer>
    </Dialog>
  );
}
