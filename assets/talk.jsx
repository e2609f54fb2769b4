// The left half of a task: what was asked, what was thought and used on the way, what is answered.

import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Link, useNavigate } from "react-router";

import { send, submissionKey } from "$/public/api.js";
import { Cite } from "$/public/cite.jsx";
import * as format from "$/public/format.js";
import { Markdown } from "$/public/markdown.jsx";
import { useMay, whyNot } from "$/public/may.js";
import { Avatar, Icon } from "$/public/parts.jsx";
import { start } from "$/public/started.js";
import { sources as findSources } from "$/public/task_watch.js";

const NEAR_END = 80; // px
const AT_END = 8; // px
const below = (node) => node.scrollHeight - node.clientHeight - node.scrollTop;

/** A scroller that follows its end while `isOpen`, unless the reader has scrolled away from it. */
export function useEnd(isOpen) {
  const scroller = useRef(null);
  const isAtEnd = useRef(true);
  const top = useRef(0);
  const [hasMore, setMore] = useState(false);
  useLayoutEffect(() => {
    const node = scroller.current;
    if (!node) return;
    const isFollowing = isOpen && isAtEnd.current;
    node.style.overflowAnchor = isFollowing ? "none" : ""; // else long texts hold their place as they are drawn
    if (isFollowing) node.scrollTop = node.scrollHeight;
    else setMore(below(node) > NEAR_END);
    top.current = node.scrollTop;
  });
  // Only the reader leaves the end, and only upwards: text that becomes longer is not her doing.
  const scrolled = () => {
    const node = scroller.current;
    if (below(node) < AT_END) isAtEnd.current = true;
    else if (node.scrollTop < top.current - 1) isAtEnd.current = false;
    top.current = node.scrollTop;
    if (isAtEnd.current !== !hasMore) setMore(!isAtEnd.current);
  };
  const toEnd = () => {
    isAtEnd.current = true;
    scroller.current.scrollTop = scroller.current.scrollHeight;
    setMore(false);
  };
  return { scroller, scrolled, toEnd, hasMore };
}

/** What a task's answer may cite, found again only when there is more of it. */
export function useSources(task) {
  const key = `${task.said.reduce((sum, said) => sum + said.citations.length, 0)}:${task.steps.filter((step) => step.kind === "retrieval" && step.state === "finished").length}`;
  return useMemo(() => findSources(task), [key]);
}

/** What was said in a task. */
export function Talk({ task, onSelect, now }) {
  const sources = useSources(task);
  const isOpen = !format.isFinal(task.state);
  const { scroller, scrolled, toEnd, hasMore } = useEnd(isOpen);
  return (
    <section className="talk" aria-label="Conversation">
      <div className="scroll" ref={scroller} onScroll={scrolled} tabIndex={0} aria-label="What was said">
        {task.input.map((message, index) => <Asked key={index} task={task} message={message} />)}
        <Takeovers task={task} />
        <Answer task={task} sources={sources} onSelect={onSelect} now={now} />
      </div>
      {isOpen && hasMore && (
        <button type="button" className="btn small to-end" onClick={toEnd}><Icon name="down" size={12} />Follow</button>
      )}
      <Sources task={task} sources={sources} />
      {!isOpen && <Again task={task} />}
    </section>
  );
}

export const Asked = memo(function Asked({ task, message }) {
  const text = message.parts.map((part) => part.text).join("\n\n");
  const isPerson = message.role === "user";
  return (
    <div className={text.trim() === task.title ? "said first" : "said first more"}>
      {isPerson ? <Avatar actor={task.submitted_by} /> : <Hex />}
      <div className="who"><span className="clip">{isPerson ? format.actor(task.submitted_by) : task.agent_name}</span> <time className="meta" title={format.exact(task.submitted_at)}>{task.submitted_at && format.clock(task.submitted_at)}</time></div>
      <p className="asked" dir="auto">{text}</p>
    </div>
  );
});

function Hex() {
  return <span className="avatar hex a1"><Icon name="agents" size={14} /></span>;
}

/** Attempts before this one, in words. */
export function Takeovers({ task }) {
  const before = task.attempts.filter((attempt) => attempt.outcome === "died" || attempt.outcome === "handed_back");
  if (!before.length) return null;
  return (
    <ul className="takeovers">
      {before.map((attempt) => (
        <li key={attempt.number}>
          <Icon name="restart" size={14} />
          <p>{takeover(attempt, task)} <time className="meta" title={format.exact(attempt.ended_at)}>{format.clock(attempt.ended_at)}</time></p>
        </li>
      ))}
    </ul>
  );
}

function takeover({ number, outcome, reason, started_at, ended_at }, task) {
  const lasted = format.duration(format.between(started_at, ended_at));
  if (outcome === "handed_back") return `The worker of attempt ${number} was stopped after ${lasted} and handed the task back.`;
  const next = task.attempts.some((attempt) => attempt.number > number) ? ` Attempt ${number + 1} took over: finished steps were kept, unfinished text was dropped.` : "";
  return `Attempt ${number} died after ${lasted}${reason ? `: ${reason}` : ""}.${next}`;
}

/** What the agent did and said, in the order it happened. */
export function Answer({ task, sources, onSelect, now }) {
  const items = parts(task);
  const isOpen = !format.isFinal(task.state);
  if (!items.length && isOpen) return <WaitingLine task={task} now={now} />;
  const last = items.at(-1);
  return (
    <div className="said">
      <Hex />
      <div className="who"><span className="clip" title={task.agent_name}>{task.agent_name}</span> <span className="meta">v{task.agent_version} · {task.model}</span></div>
      {items.map((item) => {
        if (item.said?.kind === "reasoning") return <Thought key={item.key} said={item.said} task={task} now={now} />;
        if (item.steps) return <Used key={item.key} steps={item.steps} onSelect={onSelect} now={now} isLast={item === last && isOpen} />;
        return <Markdown key={item.key} text={item.said.text} sources={sources} isOpen={isOpen && !item.said.is_finished} />;
      })}
      {isOpen && <Doing task={task} now={now} />}
      <Ending task={task} />
      <span className="sr" role="status">{isOpen ? "" : `Task ${format.stateWord(task.state).toLowerCase()}`}</span>
    </div>
  );
}

/** Messages and thoughts, with runs of tools between them joined. */
function parts(task) {
  const all = [
    ...task.said.map((said) => ({ key: `s${said.version}`, version: said.version, said })),
    ...task.steps.filter((step) => step.kind !== "model" && step.kind !== "thought")
      .map((step) => ({ key: `t${step.version}`, version: step.version, steps: [step] })),
  ].sort((one, other) => one.version - other.version);
  const joined = [];
  for (const item of all) {
    if (item.said && !item.said.text && item.said.is_finished) continue;
    const before = joined.at(-1);
    if (item.steps && before?.steps) before.steps.push(...item.steps);
    else joined.push(item);
  }
  return joined;
}

function WaitingLine({ task, now }) {
  const attempt = task.state === "submitted" ? null : task.attempts.at(-1);
  const since = format.duration(format.between(attempt?.started_at ?? task.submitted_at, null, now));
  const what = task.state === "submitted" ? "Waits for a worker" : `${task.agent_name} starts`;
  return <p className="meta waiting-line"><Icon name={`s-${task.state}`} size={14} className={`s-${task.state}`} />{what} <span className="num">{since}</span></p>;
}

/** The model is asked and has said nothing yet. */
function Doing({ task, now }) {
  const step = task.steps.findLast((each) => each.state === "running" && each.kind === "model");
  if (!step || task.said.some((said) => said.step === step.id)) return null;
  return <p className="meta doing"><span className="pulse" aria-hidden="true" />{step.name} reads and has not answered yet <span className="num">{format.duration(format.between(step.started_at, null, now))}</span></p>;
}

function Thought({ said, task, now }) {
  const [isOpen, setOpen] = useState(false);
  const step = task.steps.find((each) => each.id === said.step);
  const next = task.said.find((each) => each.version > said.version && each.step === said.step);
  const end = said.is_finished ? next?.started_at ?? step?.ended_at : null;
  const lasted = format.duration(format.between(said.started_at, end, now));
  const tokens = step?.usage?.reasoning;
  return (
    <div className="folded">
      <button type="button" className="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? "down" : "rightc"} size={12} /><Icon name="k-thought" size={14} className="k-thought" />
        {said.is_finished ? `Thought for ${lasted}` : "Thinking"}
        <span className="meta num">{tokens ? format.plural(tokens, "token") : said.is_finished ? "" : lasted}</span>
      </button>
      {isOpen && <div className="thought">{said.text}</div>}
    </div>
  );
}

function Used({ steps, onSelect, now, isLast }) {
  const [isOpen, setOpen] = useState(false);
  const names = [...new Set(steps.map((step) => step.name))];
  const running = steps.find((step) => step.state === "running");
  const shown = running ?? steps[0];
  const start = steps[0].started_at;
  const end = running ? null : steps.reduce((latest, step) => (step.ended_at > latest ? step.ended_at : latest), "");
  const text = running && isLast ? `Using ${running.name}` : `Used ${names.slice(0, 3).join(", ")}${names.length > 3 ? ` and ${names.length - 3} more` : ""}${steps.length > names.length ? `, ${steps.length} times` : ""}`;
  return (
    <div className="folded">
      <button type="button" className="fold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Icon name={isOpen ? "down" : "rightc"} size={12} /><Icon name={`k-${shown.kind}`} size={14} className={`k-${shown.kind}`} />
        <span className="clip">{text}</span>
        <span className="meta num">{format.duration(format.between(start, end, now))}</span>
      </button>
      {isOpen && (
        <ul className="calls">
          {steps.map((step) => (
            <li key={`${step.id}-${step.version}`}>
              <button type="button" onClick={() => onSelect(step.id)}>
                <Icon name={step.state === "failed" ? "s-failed" : `k-${step.kind}`} size={14} className={step.state === "failed" ? "s-failed" : `k-${step.kind}`} />
                <span className="clip">{step.name}</span>
                <span className="meta num">{step.summary ?? step.code?.replaceAll("_", " ") ?? format.duration(format.between(step.started_at, step.ended_at, now))}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** How it ended, when not by an answer. */
function Ending({ task }) {
  if (task.state === "failed" || task.state === "rejected") {
    return (
      <div className="ending bad" role="alert">
        <Icon name={`s-${task.state}`} className={`s-${task.state}`} />
        <p><b>{format.words(task.code)}</b> {task.reason}</p>
      </div>
    );
  }
  if (task.state === "canceled") {
    return <div className="ending"><Icon name="s-canceled" className="s-canceled" /><p>Canceled{task.cancel_requested_by ? ` by ${format.actor(task.cancel_requested_by)}` : ""}. What was written before stays.</p></div>;
  }
  return null;
}

/** The sources of the last message as chips. */
export function Sources({ task, sources }) {
  const final = task.said.findLast((said) => said.kind === "message" && said.citations.length);
  if (!final) return null;
  return (
    <div className="sources" role="group" aria-label="Sources">
      {final.citations.map((citation) => <Cite key={citation.n} source={sources.get(citation.n) ?? citation} label={citation.title} />)}
    </div>
  );
}

/** Another question to the same agent: a new task, by itself or in this one's conversation. */
function Again({ task }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const key = useRef(submissionKey());
  const mayAsk = useMay()("ask");
  useEffect(() => {
    setText("");
    setBusy(false);
    key.current = submissionKey();
  }, [task.id]);
  const submit = async (event) => {
    event.preventDefault();
    if (!text.trim() || isBusy) return;
    setBusy(true);
    setProblem(null);
    try {
      const receipt = await send("POST", "/tasks", { agent: task.agent, input: text.trim() }, { "idempotency-key": key.current });
      start(receipt.id, text.trim());
      navigate(`/tasks/${receipt.id}`);
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  if (!mayAsk) return <p className="composer meta">{whyNot("ask")}.</p>;
  return (
    <form className="composer" onSubmit={submit}>
      {problem && <p className="error" role="alert">{problem.message}</p>}
      <div className="field">
        <input aria-label={`Ask ${task.agent_name} again, as a new task`} placeholder={`Ask ${task.agent_name} again: starts a new task`} value={text} onChange={(event) => setText(event.target.value)} />
      </div>
      <Link className="btn" to={`/agents/${task.agent_name}/chat?context=${encodeURIComponent(task.context_id)}`} title="Go on in a conversation: the agent is given what was said here"><Icon name="agents" size={14} /><span className="desk-only">Conversation</span><span className="sr phone-only">Go on in a conversation</span></Link>
      <button type="submit" className="btn icon" aria-label="Ask again" title="Ask again" disabled={isBusy || !text.trim()}><Icon name="ask" /></button>
    </form>
  );
}
