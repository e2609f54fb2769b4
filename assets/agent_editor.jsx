// The editor of an agent: a new one from a template or another agent, or the next version of one.
// The form and the source stand beside each other; what the API says of the spec stands at both.

import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Link, useBlocker, useNavigate, useParams, useSearchParams } from "react-router";

import { FIELDS, SpecFields, inWords, useChoices } from "$/public/agent_form.jsx";
import { read, send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useMay } from "$/public/may.js";
import { Ago, Dialog, Failure, Icon, NotAllowed, Segment, useIsPhone, useNow } from "$/public/parts.jsx";
import { SourceText } from "$/public/source_text.jsx";
import { SpecDiff } from "$/public/spec_diff.jsx";
import { useCheck, useNewer, useSpec } from "$/public/spec_editor.js";
import { linesOf } from "$/public/spec_text.js";
import { TEMPLATES, fromTemplate, lacks } from "$/public/spec_templates.js";

/** A new agent: from `?template=`, `?from=` another agent, or first a choice between them. */
export function NewAgentPage() {
  const [search] = useSearchParams();
  const choices = useChoices();
  const [from, version] = [search.get("from"), search.get("version")];
  const template = TEMPLATES.find((each) => each.key === search.get("template"));
  const { agent, problem, load } = useAgent(from, version);
  if (!useMay()("edit")) return <><Crumbs last="New agent" /><NotMine to={from ? `/agents/${from}` : "/agents"} /></>;
  if (from && problem) return <><Crumbs last="New agent" /><Failure title={`${from} could not be read`} problem={problem} onRetry={load} /></>;
  if (!choices || (from && !agent)) return <><Crumbs last="New agent" /><Waiting /></>;
  if (!from && !template) return <><Crumbs last="New agent" /><Gallery choices={choices} /></>;
  const start = agent ? { ...agent.spec, name: copyName(agent.name) }
    : fromTemplate(template, { providers: choices.providers, collections: choices.collections.map((each) => each.name) });
  const origin = agent ? `a copy of ${agent.name} v${agent.number}` : template.title.toLowerCase();
  return <><Crumbs last="New agent" /><Editor key={`${from}.${version}.${template?.key}`} start={start} choices={choices} origin={origin} /></>;
}

/** The next version of the agent of the address. */
export function EditAgentPage() {
  const { agent_name: name } = useParams();
  const choices = useChoices();
  const { agent, problem, load } = useAgent(name, null);
  const crumbs = <Crumbs name={name} last="Edit" />;
  if (!useMay()("edit")) return <>{crumbs}<NotMine to={`/agents/${name}`} /></>;
  if (problem?.status === 404) {
    return <>{crumbs}<div className="face"><div className="in"><h2>There is no such agent</h2><p className="quiet">{problem.message}</p><Link className="btn above" to="/agents"><Icon name="leftc" size={14} />All agents</Link></div></div></>;
  }
  if (problem && !agent) return <>{crumbs}<Failure title="The agent could not be read" problem={problem} onRetry={load} /></>;
  if (!agent || !choices) return <>{crumbs}<Waiting /></>;
  if (agent.state === "retired") {
    return <>{crumbs}<div className="face"><div className="in"><h2>{name} is retired</h2><p className="quiet">It takes no tasks and no new version. What it was can begin another agent.</p><Link className="btn primary above" to={`/new-agent?from=${name}`}><Icon name="copy" size={14} />Duplicate</Link></div></div></>;
  }
  return <>{crumbs}<Editor key={agent.latest} start={agent.spec} base={agent} choices={choices} onReload={load} /></>;
}

function NotMine({ to }) {
  return <NotAllowed title="Agents are changed by operators" what="edit"><Link className="btn above" to={to}><Icon name="leftc" size={14} />Look at {to === "/agents" ? "all agents" : "it"}</Link></NotAllowed>;
}

const copyName = (name) => `${name.slice(0, 58).replace(/-+$/, "")}-copy`;

function useAgent(name, version) {
  const [known, setKnown] = useState({});
  const load = useCallback(async () => {
    if (!name) return;
    const at = `/agents/${encodeURIComponent(name)}`;
    await read(version ? `${at}/versions/${encodeURIComponent(version)}` : at)
      .then((agent) => setKnown({ agent }), (problem) => setKnown({ problem }));
  }, [name, version]);
  useEffect(() => {
    setKnown({});
    load();
  }, [load]);
  return { ...known, load };
}

function Crumbs({ name, last }) {
  const slot = document.getElementById("crumbs");
  return slot && createPortal(
    <>
      <Link to="/agents" className="desk-only">Agents</Link><span className="desk-only"><Icon name="rightc" size={12} /></span>
      {name && <><Link to={`/agents/${name}`} className="desk-only">{name}</Link><span className="desk-only"><Icon name="rightc" size={12} /></span></>}
      <Link className="phone-only btn ghost icon" to={name ? `/agents/${name}` : "/agents"} aria-label={name ? `Back to ${name}` : "Back to agents"}><Icon name="leftc" size={20} /></Link>
      <h1 className="clip">{last}</h1>
    </>,
    slot,
  );
}

function Waiting() {
  return <div className="editor-wait" aria-hidden="true"><span className="sk sk-w40 sk-tall" /><span className="sk sk-w80" /><span className="sk sk-w60" /><span className="sk sk-w90" /></div>;
}

/** Where to start from. */
function Gallery({ choices }) {
  useEffect(() => {
    document.title = "New agent · PyGent Factory";
  }, []);
  return (
    <div className="content">
      <div className="gallery-head"><h2>Where should it start?</h2><p className="quiet">A template is filled in for this factory; everything can be changed before the agent exists.</p></div>
      <ul className="gallery">
        {TEMPLATES.map((template) => {
          const missing = lacks(template, choices.providers);
          return (
            <li key={template.key} className="panel">
              <Link to={`/new-agent?template=${template.key}`}>
                <span className="hexagon"><Icon name={template.icon} size={20} /></span>
                <b>{template.title}</b>
                <span className="quiet">{template.about}</span>
                {missing && <span className="caution meta"><Icon name="warning" size={12} />{missing}</span>}
                {template.takesCollections && !choices.collections.length && <span className="caution meta"><Icon name="warning" size={12} />There is no collection yet: its searches find nothing until there is one.</span>}
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Editor({ start, base = null, origin, choices, onReload }) {
  const navigate = useNavigate();
  const isPhone = useIsPhone();
  const draft = useSpec(start);
  const check = useCheck(draft.spec, base?.name ?? null);
  const [newer, look] = useNewer(base);
  const [view, setView] = useState("form"); // on a phone one at a time
  const [side, setSide] = useState("source");
  const [touched, setTouched] = useState(() => new Set());
  const [failure, setFailure] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const isDone = useRef(false);
  const [first] = useState(draft.text);
  const isChanged = draft.text !== first || draft.pending.length > 0;
  const leaving = useLeaving(isChanged, isDone);
  useEffect(() => {
    document.title = `${base ? `Edit ${base.name}` : "New agent"} · PyGent Factory`;
  }, [base]);

  const problems = useMemo(() => check.problems.map((each) => ({ ...each, rule: inWords(each) })), [check.problems]);
  const isShown = (field) => touched.has("*") || touched.has(field.split(".")[0]) || Boolean(draft.spec[field.split(".")[0]]);
  const said = (name) => {
    const found = problems.find(({ field }) => field === name || field.startsWith(`${name}.`));
    return found && isShown(found.field) ? found.rule : null;
  };
  const set = (path, value) => {
    setTouched((before) => new Set([...before, path[0]]));
    draft.set(path, value);
  };
  const save = async (expected) => {
    setTouched(new Set("*"));
    if (draft.fault || !draft.isRead || isBusy) return;
    setBusy(true);
    setFailure(null);
    try {
      const agent = base
        ? await send("PUT", `/agents/${base.name}?expected=${expected}`, draft.spec)
        : await send("POST", "/agents", draft.spec);
      isDone.current = true;
      navigate(`/agents/${agent.name}`);
    } catch (problem) {
      setBusy(false);
      if (problem.code === "wrong_version") await look().catch(() => setFailure(problem));
      else setFailure(problem);
      check.again();
    }
  };
  const press = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      save(base?.latest);
    }
  };

  const shownView = isPhone ? view : side;
  const part = {
    source: <Source draft={draft} problems={problems} />,
    changes: <div className="scrolls"><SpecDiff before={base?.spec ?? {}} after={draft.spec} names={[base ? `v${base.latest}` : "Nothing", "Yours"]} /></div>,
  }[shownView];
  const discard = () => {
    isDone.current = true;
    navigate(base ? `/agents/${base.name}` : "/agents");
  };
  return (
    <div className="page editing" onKeyDown={press}>
      {leaving.state === "blocked" && <Leaving leaving={leaving} isNew={!base} />}
      {newer && <Meanwhile newer={newer} base={base} draft={draft} isBusy={isBusy} onMine={() => save(newer.latest)} onTheirs={onReload} />}
      {isPhone && <Segment label="Part of the editor" className="phonetabs" value={view} onChange={setView} options={[["form", "Form"], ["source", "Source"], ["changes", "Changes"]]} />}
      <div className="editor-cols">
        {(!isPhone || view === "form") && (
          <div className="scrolls">
            {draft.fault && <p className="editor-fault" role="status"><Icon name="warning" size={14} />The source cannot be read at line {draft.fault.line}. The form shows what it said before.</p>}
            <SpecFields spec={draft.spec} said={said} isNamed={Boolean(base)} isFrozen={Boolean(draft.fault)} choices={choices} onChange={set} />
          </div>
        )}
        {(!isPhone || view !== "form") && (
          <section className="editor-side" aria-label={shownView === "source" ? "Source" : "Changes"}>
            {!isPhone && (
              <div className="editor-tools">
                <Segment label="Beside the form" value={side} onChange={setSide} options={[["source", "Source"], ["changes", "Changes"]]} />
                <span className="grow" />
                {side === "source" && <Segment label="Language of the source" value={draft.format} onChange={draft.formatAs} options={[["yaml", "YAML"], ["json", "JSON"]]} />}
              </div>
            )}
            {part}
          </section>
        )}
      </div>
      <Foot draft={draft} check={check} problems={problems} base={base} origin={origin} failure={failure} isBusy={isBusy} isChanged={isChanged}
        isBlocked={Boolean(newer)} onSave={() => save(base?.latest)} onLeave={discard} />
    </div>
  );
}

/** Asks before a changed draft is thrown away: the browser when the tab closes, we for links and back. */
function useLeaving(isChanged, isDone) {
  useEffect(() => {
    if (!isChanged) return undefined;
    const warn = (event) => isDone.current || event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged, isDone]);
  return useBlocker(({ currentLocation: here, nextLocation: there }) => isChanged && !isDone.current && (here.pathname !== there.pathname || here.search !== there.search));
}

function Leaving({ leaving, isNew }) {
  return (
    <Dialog title="Leave this draft?" onClose={() => leaving.reset()}>
      <div className="dialog-body"><p>{isNew ? "The agent does not exist yet" : "The changes are not published yet"}: what you wrote is lost when you leave.</p></div>
      <footer>
        <button type="button" className="btn" onClick={() => leaving.reset()} autoFocus>Stay</button>
        <button type="button" className="btn danger" onClick={() => leaving.proceed()}>Leave it</button>
      </footer>
    </Dialog>
  );
}

function Source({ draft, problems }) {
  const marks = useMemo(() => {
    if (draft.fault) return new Map([[draft.fault.line, draft.fault.message]]);
    if (!draft.isRead || draft.pending.length) return new Map();
    const lines = linesOf(draft.text, problems.map((each) => each.field));
    return new Map(lines.map((line, index) => [line, problems[index].rule]));
  }, [draft.fault, draft.isRead, draft.pending, draft.text, problems]);
  return <SourceText text={draft.text} marks={marks} onChange={draft.type} label={`The spec as ${draft.format.toUpperCase()}`} />;
}

/** What the API says of it, and the way on. */
function Foot({ draft, check, problems, base, origin, failure, isBusy, isChanged, isBlocked, onSave, onLeave }) {
  const isUnchanged = base && check.is_unchanged && !problems.length;
  const verb = base ? `Publish v${base.latest + 1}` : "Create agent";
  return (
    <footer className="editor-foot">
      <div className="grow editor-said">
        {failure && <p className="error" role="alert"><Icon name="warning" size={14} />{failure.message}</p>}
        {isBlocked ? <p className="meta" role="status">Another version was published meanwhile: choose above</p> : <Said draft={draft} check={check} problems={problems} base={base} origin={origin} />}
      </div>
      <button type="button" className="btn" onClick={onLeave}>{isChanged ? "Discard" : "Close"}</button>
      <button type="button" className="btn primary" onClick={onSave} title="Ctrl and S" disabled={isBusy || isBlocked || Boolean(isUnchanged) || Boolean(draft.fault)}>
        {isBusy ? "Saving" : verb}
      </button>
    </footer>
  );
}

const MOST_SAID = 3;

function Said({ draft, check, problems, base, origin }) {
  if (draft.fault) return <p className="error" role="status"><Icon name="s-failed" size={14} />Line {draft.fault.line}: {draft.fault.message}</p>;
  if (check.face === "unasked") return <p className="meta row" role="status"><Icon name="warning" size={14} />Not checked: {check.problem.message} <button type="button" className="btn small" onClick={check.again}>Check again</button></p>;
  if (problems.length) {
    return (
      <div role="status"><ul className="problems" aria-label="Problems">
        {problems.slice(0, MOST_SAID).map((each, index) => (
          <li key={index}><button type="button" onClick={() => show(each.field)}><Icon name="s-failed" size={12} /><b className="mono">{each.field}</b><span className="clip">{each.rule}{each.value && !each.rule.includes(each.value.replace(/^'|'$/g, "")) ? `, not ${each.value}` : ""}</span></button></li>
        ))}
        {problems.length > MOST_SAID && <li className="meta">and {problems.length - MOST_SAID} more</li>}
      </ul></div>
    );
  }
  if (check.face === "checking" && check.number === null) return <p className="meta" role="status">Checking</p>;
  if (check.is_unchanged) return <p className="meta" role="status">As v{base.latest} says: nothing to publish</p>;
  return <p className="meta row row-4" role="status"><Icon name="s-completed" size={14} className="s-completed" />{base ? `Would be taken. It becomes v${check.number}; open tasks keep the version they have` : `Would be taken${origin ? `. Started from ${origin}` : ""}`}</p>;
}

/** The field a problem is about; one that has none stands in the source. */
function show(field) {
  const name = FIELDS.includes(field.split(".")[0]) ? field : null;
  const node = name && (document.getElementById(`spec-${name}`) ?? document.getElementById(`spec-${name.split(".")[0]}`));
  (node ?? document.querySelector(".sourcetext textarea"))?.focus();
}

/** Somebody has published, or retired it, since this draft was begun. */
function Meanwhile({ newer, base, draft, isBusy, onMine, onTheirs }) {
  const [isOpen, setOpen] = useState(false);
  const now = useNow(15_000);
  const isRetired = newer.state === "retired";
  return (
    <div className="meanwhile" role="alert">
      <div className="banner warn">
        <Icon name="warning" />
        <p className="grow">{isRetired ? <><b>{base.name} was retired</b> meanwhile: it takes no new version.</>
          : <><b>{format.actor(newer.published_by)} published v{newer.latest}</b> <Ago time={newer.published_at} now={now} after=" ago" />. Yours was made from v{base.latest}.</>}</p>
        {!isRetired && <button type="button" className="btn small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{isOpen ? "Hide" : "What differs"}</button>}
        <button type="button" className="btn small" onClick={onTheirs}>{isRetired ? "Leave mine" : `Start again from v${newer.latest}`}</button>
        {!isRetired && <button type="button" className="btn small primary" disabled={isBusy} onClick={onMine}>Publish mine as v{newer.latest + 1}</button>}
      </div>
      {isOpen && <div className="meanwhile-diff"><SpecDiff before={newer.spec} after={draft.spec} names={[`v${newer.latest}`, "Yours"]} /></div>}
    </div>
  );
}
