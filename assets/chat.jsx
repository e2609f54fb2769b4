// A conversation with an agent over several tasks. Every question is a task of its own, with its own
// page; the agent is given what was answered before. Which conversation stands in the address.

import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { createPortal } from "react-dom";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";

import { read, send, submissionKey } from "$/public/api.js";
import { begin, useConversation, useEarlier } from "$/public/chat_data.js";
import * as format from "$/public/format.js";
import { useMay, whyNot } from "$/public/may.js";
import { Ago, Failure, Icon, useIsPhone, useNow } from "$/public/parts.jsx";
import { visited } from "$/public/recent.js";
import { finish, show, start } from "$/public/started.js";
import { Answer, Asked, Sources, Takeovers, useEnd, useSources } from "$/public/talk.jsx";

/** The page. */
export function ChatPage() {
  const { agent_name: name } = useParams();
  const [search] = useSearchParams();
  const context = search.get("context");
  const [agent, setAgent] = useState(null);
  const [problem, setProblem] = useState(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isGone = false;
    document.title = `Conversation with ${name} · PyGent Factory`;
    read(`/agents/${encodeURIComponent(name)}`).then((found) => isGone || setAgent(found), (failure) => isGone || setProblem(failure));
    return () => {
      isGone = true;
    };
  }, [name, round]);
  const crumbs = <Crumbs name={name} />;
  if (problem?.status === 404) {
    return <>{crumbs}<div className="face"><div className="in"><h2>There is no such agent</h2><p className="quiet">{problem.message}</p><Link className="btn above" to="/agents"><Icon name="leftc" size={14} />All agents</Link></div></div></>;
  }
  if (problem && !agent) return <>{crumbs}<Failure title="The agent could not be read" problem={problem} onRetry={() => { setProblem(null); setRound(round + 1); }} /></>;
  if (!agent) return crumbs;
  return <>{crumbs}<Chat agent={agent} context={context} /></>;
}

function Crumbs({ name }) {
  const slot = document.getElementById("crumbs");
  const actions = document.getElementById("actions");
  return (
    <>
      {slot && createPortal(
        <>
          <Link to="/agents" className="desk-only">Agents</Link><span className="desk-only"><Icon name="rightc" size={12} /></span>
          <Link to={`/agents/${name}`} className="desk-only">{name}</Link><span className="desk-only"><Icon name="rightc" size={12} /></span>
          <Link className="phone-only btn ghost icon" to={`/agents/${name}`} aria-label={`Back to ${name}`}><Icon name="leftc" size={20} /></Link>
          <h1 className="clip"><span className="desk-only">Conversation</span><span className="phone-only">{name}</span></h1>
        </>,
        slot,
      )}
      {actions && createPortal(<Link className="btn" to={`/agents/${name}/chat`}><Icon name="plus" size={14} /><span>New conversation</span></Link>, actions)}
    </>
  );
}

function Chat({ agent, context }) {
  const [, setSearch] = useSearchParams();
  const isPhone = useIsPhone();
  const conversation = useConversation(context);
  const { turns, face } = conversation;
  const last = turns.at(-1)?.watch.task ?? null;
  const open = turns.map((turn) => turn.watch.task).findLast((task) => task && !format.isFinal(task.state)) ?? null;
  const earlier = useEarlier(agent.name, `${context} ${turns.length} ${open?.id}`);
  const { scroller, scrolled, toEnd, hasMore } = useEnd(turns.length > 0);
  useLayoutEffect(() => {
    if (context) toEnd();
    else scroller.current.scrollTop = 0; // what it is stands above the earlier ones
  }, [context]);
  const [text, setText] = useState("");
  const fresh = useMemo(submissionKey, [agent.name, context === null]); // of the conversation that may begin
  const into = context ?? fresh;

  const first = turns[0]?.watch.task ?? null;
  useEffect(() => {
    if (context && first?.title && !conversation.hasEarlier) visited({ kind: "conversation", id: `${agent.name}/chat?context=${encodeURIComponent(context)}`, name: first.title.slice(0, 120) });
  }, [agent.name, context, first?.title, conversation.hasEarlier]);

  const ask = async (question, key) => {
    const receipt = await send("POST", "/tasks", { agent: agent.name, input: question, context_id: into }, { "idempotency-key": key });
    start(receipt.id, question, `/agents/${agent.name}/chat?context=${encodeURIComponent(into)}`);
    setText("");
    toEnd();
    if (context) return conversation.add(receipt.id);
    begin(into, receipt.id);
    return setSearch({ context: into }, { replace: true });
  };
  const older = async () => {
    const node = scroller.current;
    const height = node.scrollHeight;
    await conversation.loadEarlier().catch(() => {}); // the button stays
    requestAnimationFrame(() => {
      node.scrollTop += node.scrollHeight - height;
    });
  };
  return (
    <div className="page chat">
      <section className="talk" aria-label={`Conversation with ${agent.name}`}>
        <div className="scroll" ref={scroller} onScroll={scrolled} tabIndex={0} aria-label="What was said">
          <div className="chat-turns">
            {face === "failed" && <Failure title="The conversation could not be read" problem={conversation.problem} onRetry={() => conversation.load()} />}
            {face === "loading" && <div className="sk-stack" aria-hidden="true"><span className="sk sk-w60" /><span className="sk sk-w90" /><span className="sk sk-w80" /></div>}
            {conversation.hasEarlier && <button type="button" className="btn small chat-older" onClick={older}><Icon name="up" size={12} />Earlier turns</button>}
            {turns.map((turn) => <Turn key={turn.id} turn={turn} onAgain={setText} />)}
            {(face === "new" || (face === "filled" && !turns.length)) && <Begin agent={agent} earlier={isPhone ? earlier : null} />}
          </div>
        </div>
        {turns.length > 0 && hasMore && <button type="button" className="btn small to-end" onClick={toEnd}><Icon name="down" size={12} />To the end</button>}
        <Composer agent={agent} text={text} onText={setText} onAsk={ask} open={open} place={into} isFirst={!last} />
      </section>
      {!isPhone && <Earlier agent={agent} earlier={earlier} current={context} />}
    </div>
  );
}

/** One question with its answer: a task. */
const Turn = memo(function Turn({ turn, onAgain }) {
  const navigate = useNavigate();
  const { watch } = turn;
  useSyncExternalStore(watch.subscribe, watch.snapshot);
  const { task, problem } = watch;
  const isOpen = task && !format.isFinal(task.state);
  useEffect(() => show(turn.id), [turn.id]);
  useEffect(() => {
    if (task && !isOpen && !document.hidden) finish(turn.id); // she sees it herself
  }, [task && !isOpen, turn.id]);
  useNow(100, Boolean(isOpen));
  if (!task && problem) return <p className="error chat-lost" role="alert"><Icon name="warning" size={14} />This turn could not be read: {problem.message}<button type="button" className="btn small" onClick={() => watch.open()}>Retry</button></p>;
  if (!task) return <div className="sk-stack" aria-hidden="true"><span className="sk sk-w60" /><span className="sk sk-w90" /></div>;
  return <Said task={task} now={watch.now()} isOpen={isOpen} onAgain={onAgain} onSelect={(step) => navigate(`/tasks/${task.id}?step=${step}`)} />;
});

function Said({ task, now, isOpen, onAgain, onSelect }) {
  const sources = useSources(task);
  const isAnswered = task.state === "completed";
  const mayAsk = useMay()("ask");
  const question = task.input.at(-1)?.parts.map((part) => part.text).join("\n\n") ?? "";
  return (
    <article className="turn" aria-label={task.title}>
      {task.input.map((message, index) => <Asked key={index} task={task} message={message} />)}
      <Takeovers task={task} />
      <Answer task={task} sources={sources} onSelect={onSelect} now={now} />
      <Sources task={task} sources={sources} />
      <footer className="turn-foot meta">
        <Link className="link" to={`/tasks/${task.id}`}>Task</Link>
        <span className="num">{format.duration(format.between(task.submitted_at, task.ended_at, now))}</span>
        <span className="num">{format.plural(task.steps.length, "step")}</span>
        {task.cost > 0 && <span className="num">{format.money(task.cost)}</span>}
        {!isOpen && !isAnswered && <><span>The agent is not given this turn again</span>{mayAsk && <button type="button" className="btn ghost small" onClick={() => onAgain(question)}>Ask again</button>}</>}
      </footer>
    </article>
  );
}

/** Before anything was said. */
function Begin({ agent, earlier }) {
  return (
    <div className="chat-begin">
      <span className="hexagon"><Icon name="agents" size={20} /></span>
      <h2>A conversation with {agent.name}</h2>
      <p className="quiet">{agent.spec.description || "Ask it something, and go on from its answer."}</p>
      <p className="meta">Every question becomes a task of its own. The agent is given the newest 20 answers of the conversation, as far as they fit its limits.
        {agent.spec.model === "extractive" && " This one answers with sentences of documents and has no language model: it reads your last question alone."}</p>
      {earlier?.rows.length > 0 && <><h3>Earlier ones</h3><EarlierList agent={agent} earlier={earlier} /></>}
    </div>
  );
}

function Earlier({ agent, earlier, current }) {
  return (
    <aside className="chat-earlier" aria-label="Earlier conversations">
      <h2>Earlier</h2>
      {earlier.rows.length || earlier.problem ? <EarlierList agent={agent} earlier={earlier} current={current} /> : <p className="meta">None with {agent.name} yet.</p>}
    </aside>
  );
}

function EarlierList({ agent, earlier, current }) {
  const now = useNow(60_000);
  return (
    <>
      <ul>
        {earlier.rows.map((each) => (
          <li key={each.context_id}>
            <Link to={`/agents/${agent.name}/chat?context=${encodeURIComponent(each.context_id)}`} aria-current={each.context_id === current ? "page" : undefined}>
              <b className="clip" dir="auto">{each.title}</b>
              <span className="meta">{format.plural(each.turns, "turn")} · <Ago time={each.updated_at} now={now} after=" ago" /></span>
            </Link>
          </li>
        ))}
      </ul>
      {earlier.problem && <p className="error" role="alert">{earlier.problem.message} <button type="button" className="btn small" onClick={earlier.retry}>Retry</button></p>}
      {earlier.hasMore && <button type="button" className="btn small chat-more" onClick={earlier.loadMore}>More</button>}
    </>
  );
}

/** Where one writes; while a turn is open it can be stopped. */
function Composer({ agent, text, onText, onAsk, open, place, isFirst }) {
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const key = useRef(submissionKey()); // repeating a submission that got no answer is one task
  const field = useRef(null);
  const mayAsk = useMay()("ask");
  const isClosed = agent.state === "retired" || !mayAsk; // nothing can be written
  useEffect(() => {
    key.current = submissionKey();
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
  }, [place]);
  useLayoutEffect(() => {
    field.current.style.height = "auto"; // as high as its text, up to the stylesheet's limit
    field.current.style.height = `${field.current.scrollHeight}px`;
  }, [text]);
  const submit = async (event) => {
    event?.preventDefault();
    if (!text.trim() || isBusy || open || isClosed) return;
    setBusy(true);
    setProblem(null);
    try {
      await onAsk(text.trim(), key.current);
      key.current = submissionKey();
    } catch (failure) {
      setProblem(failure);
    }
    setBusy(false);
  };
  const stop = () => send("POST", `/tasks/${open.id}/cancel`).catch((failure) => failure.status === 409 || setProblem(failure));
  const press = (event) => {
    const isSent = event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing && matchMedia("(hover: hover)").matches;
    if (!isSent) return;
    event.preventDefault();
    submit();
  };
  const isStopping = Boolean(open?.cancel_requested_by);
  return (
    <form className="composer chat-composer" onSubmit={submit}>
      {problem && <p className="error" role="alert"><Icon name="warning" size={14} />{problem.message}</p>}
      {isClosed && <p className="meta">{mayAsk ? `${agent.name} is retired and takes no more questions. What was said stays.` : `${whyNot("ask")}.`}</p>}
      <div className="field">
        <textarea ref={field} rows={1} value={text} disabled={isClosed} enterKeyHint="enter" aria-label={`Write to ${agent.name}`}
          placeholder={isFirst ? `Ask ${agent.name} something` : "Go on"} onKeyDown={press} onChange={(event) => onText(event.target.value)} />
      </div>
      {open && mayAsk
        ? <button type="button" className="btn icon danger" aria-label={isStopping ? "Stopping" : "Stop the answer"} title={isStopping ? "Stopping" : "Stop the answer"} disabled={isStopping} onClick={stop}><Icon name="stop" /></button>
        : <button type="submit" className="btn icon primary" aria-label="Send" title="Send (Enter)" disabled={isBusy || isClosed || !text.trim()}><Icon name="ask" /></button>}
    </form>
  );
}
