// Asking an agent something: the button of every page, and the form that others show in place.

import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";

import { AgentName, findAgent, readAgents } from "$/public/agent_name.jsx";
import { send, submissionKey } from "$/public/api.js";
import { useMay, whyNot } from "$/public/may.js";
import { Dialog, Icon } from "$/public/parts.jsx";
import { start } from "$/public/started.js";

const GUIDE = "guide"; // the agent that answers from this product's own documentation
const QUESTIONS = ["What is an attempt?", "How does a watcher resume?", "How do I add documents?"];

/** Where nothing happened yet: a question to try at once. */
export function FirstQuestion({ className = "" }) {
  if (!useMay()("ask")) return <p className={`quiet ${className}`}>{whyNot("ask")}. You see here what others ask, as it happens.</p>;
  return (
    <section className={`panel ${className}`} aria-label="Ask an agent">
      <header><Icon name="agents" /><h2 className="nowrap">Ask an agent</h2><span className="meta clip desk-only">guide answers from this product’s own documentation and needs no key</span></header>
      <div className="body"><Ask /></div>
    </section>
  );
}

const OPEN = "pygent-run-agent";

/** Open the dialog from anywhere, with this agent chosen and these words written if they are given. */
export const runAgent = (agent = "", text = "") => dispatchEvent(new CustomEvent(OPEN, { detail: { agent, text } }));

/** The button in the top bar, and its dialog. */
export function RunAgent() {
  const [begun, setBegun] = useState(null); // while open, the agent and the words to begin with
  const mayAsk = useMay()("ask");
  const isOpen = begun !== null && mayAsk;
  useEffect(() => {
    const open = ({ detail }) => setBegun(detail);
    addEventListener(OPEN, open);
    return () => removeEventListener(OPEN, open);
  }, []);
  if (!mayAsk) return null;
  return (
    <>
      <button type="button" id="run-agent" className="btn primary" onClick={() => setBegun({ agent: "", text: "" })}>
        <Icon name="play" size={14} /><span>Run agent</span>
      </button>
      {isOpen && (
        <Dialog title="Run agent" onClose={() => setBegun(null)} className="run">
          <Ask first={begun.agent} said={begun.text} onDone={() => setBegun(null)} isFocused />
        </Dialog>
      )}
    </>
  );
}

/**
 * A question to an agent; the answer is the page of its task.
 *
 * With `agent` it goes to that one, else to one of the list, `first` being chosen and `said` written to begin with.
 */
export function Ask({ agent = null, first = "", said = "", onDone, isFocused = false }) {
  const navigate = useNavigate();
  const [agents, setAgents] = useState(null); // {items, hasMore}
  const [chosen, setChosen] = useState(agent ?? first);
  const [text, setText] = useState(said);
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const key = useRef(submissionKey()); // repeating a submission that got no answer is one task
  const field = useRef(null);
  const isWanted = useRef(false);

  useEffect(() => {
    if (agent) return;
    readAgents("active").then(async (found) => {
      setAgents(found);
      const guide = found.items.find((each) => each.name === GUIDE) ?? (found.hasMore ? await findAgent(GUIDE, "active") : null);
      setChosen((name) => name || (guide ?? found.items[0])?.name || "");
    }).catch(setProblem);
  }, [agent]);
  useEffect(() => {
    if (isFocused) field.current?.focus();
  }, [isFocused]);

  const submit = async (event) => {
    event?.preventDefault();
    isWanted.current = !chosen && !agents; // sent as soon as it is known to whom
    if (!text.trim() || !chosen || isBusy) return;
    setBusy(true);
    setProblem(null);
    try {
      const receipt = await send("POST", "/tasks", { agent: chosen, input: text.trim() }, { "idempotency-key": key.current });
      key.current = submissionKey();
      start(receipt.id, text.trim());
      onDone?.();
      navigate(`/tasks/${receipt.id}`);
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  useEffect(() => {
    if (chosen && isWanted.current) submit();
  }, [chosen]);
  const enter = (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
  };

  return (
    <form className="ask" onSubmit={submit}>
      {!agent && (
        <label>
          <span className="meta">Agent</span>
          <AgentName names={agents?.items.map((each) => each.name) ?? []} hasMore={agents?.hasMore} value={chosen} state="active"
            none={agents ? "No agent yet: make one under Agents" : "…"} onChange={setChosen} />
        </label>
      )}
      <label>
        <span className={agent ? "sr" : "meta"}>What should it do?</span>
        <textarea ref={field} rows={4} value={text} placeholder="Ask, or say what to do" onKeyDown={enter}
          onChange={(event) => setText(event.target.value)} />
      </label>
      {chosen === GUIDE && !text && (
        <div className="row wrap">
          {QUESTIONS.map((each) => (
            <button type="button" className="chip" key={each} onClick={() => setText(each)}>{each}</button>
          ))}
        </div>
      )}
      {problem && <p className="error" role="alert"><Icon name="warning" size={14} />{problem.message}</p>}
      <div className="row">
        <span className="meta grow">Ctrl and Enter sends it</span>
        <button type="submit" className="btn primary" disabled={isBusy || !text.trim() || !chosen}>
          <Icon name="play" size={14} />{isBusy ? "Starting" : "Run agent"}
        </button>
      </div>
    </form>
  );
}
