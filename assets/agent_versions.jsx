// Any two versions of an agent beside each other; which two, and how, stands in the address.

import { useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { Link, useParams } from "react-router";

import { useAddress } from "$/public/address.js";
import { read } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useKeys } from "$/public/keys.js";
import { useMay } from "$/public/may.js";
import { Failure, Icon, Segment, useIsPhone } from "$/public/parts.jsx";
import { SpecDiff } from "$/public/spec_diff.jsx";

/** The page. */
export function AgentVersionsPage() {
  const { agent_name: name } = useParams();
  const [search, change] = useAddress();
  const isPhone = useIsPhone();
  const mayEdit = useMay()("edit");
  const [versions, setVersions] = useState(null);
  const [problem, setProblem] = useState(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isGone = false;
    document.title = `Versions of ${name} · PyGent Factory`;
    setProblem(null);
    read(`/agents/${encodeURIComponent(name)}/versions`).then(({ items }) => isGone || setVersions(items), (failure) => isGone || setProblem(failure));
    return () => {
      isGone = true;
    };
  }, [name, round]);
  const latest = versions?.[0]?.number ?? null;
  const to = within(search.get("to"), latest) ?? latest;
  const from = within(search.get("from"), latest) ?? Math.max(1, (to ?? 1) - 1);
  const isSplit = !isPhone && search.get("view") !== "unified";
  const choose = (changes) => change(changes, { replace: true });
  useKeys({
    older: () => Math.min(from, to) > 1 && choose({ from: from - 1, to: to - 1 }),
    newer: () => Math.max(from, to) < latest && choose({ from: from + 1, to: to + 1 }),
    swap: () => latest !== null && choose({ from: to, to: from }),
    view: () => latest !== null && !isPhone && choose({ view: isSplit ? "unified" : "split" }),
  });
  const crumbs = <Crumbs name={name} />;
  if (problem?.status === 404) {
    return <>{crumbs}<div className="face"><div className="in"><h2>There is no such agent</h2><p className="quiet">{problem.message}</p><Link className="btn above" to="/agents"><Icon name="leftc" size={14} />All agents</Link></div></div></>;
  }
  if (problem) return <>{crumbs}<Failure title="The versions could not be read" problem={problem} onRetry={() => setRound(round + 1)} /></>;
  if (!versions) return crumbs;
  if (versions.length === 1) {
    return <>{crumbs}<div className="face"><div className="in"><h2>There is one version so far</h2><p className="quiet">Each time a changed spec is published it becomes the next version. Tasks keep the one they were submitted with, and any two can be compared here.</p>{mayEdit && <Link className="btn primary above" to={`/agents/${name}/edit`}>Edit {name}</Link>}</div></div></>;
  }
  return (
    <>
      {crumbs}
      <div className="page">
        <div className="filters compare">
          <Version label="From" value={from} versions={versions} isShort={isPhone} onChange={(number) => choose({ from: number, to })} />
          <button type="button" className="btn ghost icon" aria-label="Swap the two versions" title="Swap (x)" onClick={() => choose({ from: to, to: from })}><Icon name="restart" size={14} /></button>
          <Version label="To" value={to} versions={versions} isShort={isPhone} onChange={(number) => choose({ from, to: number })} />
          <span className="grow" />
          <span className="meta desk-only"><kbd>[</kbd> <kbd>]</kbd> older, newer pair · <kbd>j</kbd> <kbd>k</kbd> changes</span>
          {!isPhone && <Segment label="View" value={isSplit ? "split" : "unified"} onChange={(view) => choose({ view })} options={[["split", "Side by side"], ["unified", "One column"]]} />}
        </div>
        <Compared key={`${from}.${to}`} name={name} from={from} to={to} isSplit={isSplit} />
      </div>
    </>
  );
}

function within(text, latest) {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 && number <= latest ? number : null;
}

function Crumbs({ name }) {
  const slot = document.getElementById("crumbs");
  return slot && createPortal(
    <>
      <Link to="/agents" className="desk-only">Agents</Link><span className="desk-only"><Icon name="rightc" size={12} /></span>
      <Link to={`/agents/${name}`} className="desk-only">{name}</Link><span className="desk-only"><Icon name="rightc" size={12} /></span>
      <Link className="phone-only btn ghost icon" to={`/agents/${name}`} aria-label={`Back to ${name}`}><Icon name="leftc" size={20} /></Link>
      <h1 className="clip">Versions</h1>
    </>,
    slot,
  );
}

function Version({ label, value, versions, isShort, onChange }) {
  return (
    <label className="chip"><span className="k">{label}</span>
      <select value={value} onChange={(event) => onChange(Number(event.target.value))}>
        {versions.map((each) => <option key={each.number} value={each.number}>{isShort ? `v${each.number}` : `v${each.number}, ${format.actor(each.published_by)}, ${format.clock(each.published_at)}`}</option>)}
      </select>
    </label>
  );
}

function Compared({ name, from, to, isSplit }) {
  const [pair, setPair] = useState(null);
  const [problem, setProblem] = useState(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isGone = false;
    const at = `/agents/${encodeURIComponent(name)}/versions`;
    Promise.all([read(`${at}/${from}`), read(`${at}/${to}`)])
      .then((read) => isGone || setPair(read), (failure) => isGone || setProblem(failure));
    return () => {
      isGone = true;
    };
  }, [name, from, to, round]);
  if (problem) return <Failure title="The versions could not be read" problem={problem} onRetry={() => { setProblem(null); setRound(round + 1); }} />;
  if (!pair) return <div className="editor-wait" aria-hidden="true"><span className="sk sk-w40" /><span className="sk sk-w80" /><span className="sk sk-w60" /></div>;
  return <div className="scrolls"><SpecDiff before={pair[0].spec} after={pair[1].spec} names={[`v${from}`, `v${to}`]} isSplit={isSplit} /></div>;
}
