// One agent: its spec at a version, a question to it, its versions, its latest tasks. What changes it
// stands on pages of its own: the editor, the comparison of versions.

import { useCallback, useEffect, useReducer, useState } from "react";
import { createPortal } from "react-dom";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";

import { me, query, read, send } from "$/public/api.js";
import { YamlLine, lines } from "$/public/code.jsx";
import * as format from "$/public/format.js";
import { watch } from "$/public/live.js";
import { useMay } from "$/public/may.js";
import { Ago, Copy, Dialog, Failure, Icon, Lane, Panel, State, useNow } from "$/public/parts.jsx";
import { Ask } from "$/public/run.jsx";
import { meaningful } from "$/public/spec.js";

const LATEST = 8; // tasks
const KEPT = 50; // of which those are the newest

/** The page. */
export function AgentPage() {
  const { agent_name: name } = useParams();
  const [search, setSearch] = useSearchParams();
  const number = Number(search.get("version")) || null;
  const { agent, versions, problem, load } = useAgent(name, number);
  const mayAsk = useMay()("ask");
  useEffect(() => {
    if (agent) document.title = `${agent.name} · PyGent Factory`;
  }, [agent]);
  if (problem && !agent) return <><Crumbs name={name} /><NoAgent problem={problem} onRetry={load} /></>;
  if (!agent) return <Crumbs name={name} />;
  return (
    <>
      <Crumbs name={name} />
      <div className="content">
        <Head agent={agent} onChanged={load} />
        <div className="agent">
          <div className="col">
            <Spec agent={agent} />
          </div>
          <div className="col">
            {agent.state === "active" && mayAsk && <section className="panel" aria-label="Ask it something"><header><h2>Ask it something</h2></header><div className="body"><Ask key={agent.name} agent={agent.name} /></div></section>}
            <Versions name={agent.name} versions={versions} shown={agent.number} onChoose={(next) => setSearch(next === agent.latest ? {} : { version: next })} />
            <Latest name={agent.name} id={agent.id} />
          </div>
        </div>
      </div>
    </>
  );
}

function useAgent(name, number) {
  const [known, setKnown] = useState({});
  const load = useCallback(async () => {
    try {
      const at = `/agents/${encodeURIComponent(name)}`;
      const [agent, versions] = await Promise.all([read(number ? `${at}/versions/${number}` : at), read(`${at}/versions`)]);
      setKnown({ agent, versions: versions.items ?? versions });
    } catch (problem) {
      setKnown((before) => ({ ...before, problem }));
    }
  }, [name, number]);
  useEffect(() => {
    load();
  }, [load]);
  return { ...known, load };
}

function NoAgent({ problem, onRetry }) {
  if (problem.status !== 404) return <Failure title="The agent could not be read" problem={problem} onRetry={onRetry} />;
  return (
    <div className="face"><div className="in">
      <h2>There is no such agent</h2>
      <p className="quiet">{problem.message}</p>
      <Link className="btn above" to="/agents"><Icon name="leftc" size={14} />All agents</Link>
    </div></div>
  );
}

function Crumbs({ name }) {
  const slot = document.getElementById("crumbs");
  return slot && createPortal(
    <>
      <Link to="/agents" className="desk-only">Agents</Link><span className="desk-only"><Icon name="rightc" size={12} /></span>
      <Link className="phone-only btn ghost icon" to="/agents" aria-label="Back to agents"><Icon name="leftc" size={20} /></Link>
      <b className="clip">{name}</b>
    </>,
    slot,
  );
}

function Head({ agent, onChanged }) {
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState(null);
  const isRetired = agent.state === "retired";
  const mayEdit = useMay()("edit");
  const retire = async () => {
    try {
      await send("POST", `/agents/${agent.name}/retire`);
      setAsking(false);
      onChanged();
    } catch (failure) {
      setProblem(failure);
    }
  };
  return (
    <header className="head">
      <span className="hexagon"><Icon name="agents" size={20} /></span>
      <div className="grow"><h1>{agent.name}</h1><p className="meta clip">{agent.spec.description || "No description"}</p></div>
      <span className={`state pill ${isRetired ? "s-canceled" : "s-completed"}`}><Icon name={isRetired ? "s-canceled" : "s-completed"} /><span className="label">{isRetired ? "Retired" : "Active"}</span></span>
      <span className="tag">v{agent.latest}</span>
      <Link className="btn" to={`/agents/${agent.name}/chat`}><Icon name="ask" size={14} />Chat</Link>
      {!isRetired && mayEdit && <button type="button" className="btn danger" onClick={() => setAsking(true)}>Retire</button>}
      {isAsking && (
        <Dialog title={`Retire ${agent.name}?`} onClose={() => setAsking(false)}>
          <div className="dialog-body">
            <p>It takes no more tasks. Its open tasks go on, and what it did stays readable. This cannot be undone.</p>
            {problem && <p className="error" role="alert">{problem.message}</p>}
          </div>
          <footer><button type="button" className="btn" onClick={() => setAsking(false)} autoFocus>Keep it</button><button type="button" className="btn danger" onClick={retire}>Retire agent</button></footer>
        </Dialog>
      )}
    </header>
  );
}

function Spec({ agent }) {
  const isOld = agent.number !== agent.latest;
  const isRetired = agent.state === "retired";
  const mayEdit = useMay()("edit");
  const text = lines(meaningful(agent.spec));
  return (
    <Panel title="Spec" count={`v${agent.number}${isOld ? `, the latest is v${agent.latest}` : ""}`}
      tools={<>
        <Copy text={text} label="Copy the spec" />
        {isOld && <Link className="btn small" to={`/agents/${agent.name}/versions?from=${agent.number}&to=${agent.latest}`}>Compare</Link>}
        {mayEdit && <Link className="btn small" to={`/new-agent?from=${agent.name}${isOld ? `&version=${agent.number}` : ""}`}>Duplicate</Link>}
        {!isOld && !isRetired && mayEdit && <Link className="btn small" to={`/agents/${agent.name}/edit`}>Edit</Link>}
      </>}>
      <ol className="editor" tabIndex={0} aria-label="The spec">
        {text.split("\n").map((line, index) => <li className="l" key={index} data-n={index + 1}><span><YamlLine text={line} /></span></li>)}
      </ol>
    </Panel>
  );
}

function Versions({ name, versions, shown: number, onChoose }) {
  const now = useNow(60_000);
  return (
    <Panel title="Versions" count={versions.length} tools={versions.length > 1 && <Link className="btn ghost small" to={`/agents/${name}/versions`}>Compare<Icon name="rightc" size={12} /></Link>}>
      <ul className="vers">
        {versions.map((version, index) => (
          <li key={version.number} className={version.number === number ? "on" : ""}>
            <button type="button" aria-pressed={version.number === number} onClick={() => onChoose(version.number)}>
              <span className="v">v{version.number}</span>
              <span className="clip">{format.actor(version.published_by)}</span>
              {index === 0 && <span className="tag">latest</span>}
              <span className="meta"><Ago time={version.published_at} now={now} after=" ago" /> · <span className="mono">{version.spec_hash.slice(0, 10)}</span></span>
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const newest = (rows) => [...rows.values()].sort((one, other) => (one.submitted_at > other.submitted_at ? -1 : 1));

function Latest({ name, id }) {
  const [, draw] = useReducer((count) => count + 1, 0);
  const [rows] = useState(() => new Map());
  const [face, setFace] = useState("loading");
  useEffect(() => {
    let stop = () => {};
    let isGone = false;
    const put = (row) => {
      const before = rows.get(row.id);
      if (row.agent !== id || before?.version >= row.version) return;
      rows.set(row.id, row);
      if (rows.size > KEPT) for (const { id: old } of newest(rows).slice(LATEST)) rows.delete(old);
    };
    const load = () => read(`/tasks${query({ agent: name, limit: LATEST })}`).then(({ items }) => {
      items.forEach(put);
      if (!isGone) setFace("filled");
      draw();
    }).catch((problem) => isGone || setFace(problem.message));
    me().then(({ channels }) => {
      if (isGone) return;
      stop = watch(channels.tasks, { onReady: load, onGap: load, onPublication: (row) => {
        put(row);
        draw();
      } });
      load();
    }).catch(() => {});
    return () => {
      isGone = true;
      stop();
    };
  }, [name, id, rows]);
  const list = newest(rows).slice(0, LATEST);
  const now = useNow(1000, list.some((row) => !format.isFinal(row.state)));
  return (
    <Panel title="Latest tasks" tools={<Link className="btn ghost small" to={`/tasks?agent=${name}&range=all`}>All<Icon name="rightc" size={12} /></Link>}>
      {face === "filled" && !list.length && <p className="quiet-face">It was asked nothing yet.</p>}
      {face !== "filled" && face !== "loading" && <p className="error quiet-face" role="alert">{face}</p>}
      <ul className="nowlist small">
        {list.map((row) => (
          <li key={row.id}><State state={row.state} isQuiet /><Link to={`/tasks/${row.id}`} className="clip">{row.title}</Link><Lane task={row} now={now} /><span className="num">{format.duration(format.between(row.submitted_at, row.ended_at, now))}</span></li>
        ))}
      </ul>
    </Panel>
  );
}
