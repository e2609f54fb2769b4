// Settings of the factory and of this browser: models and whether they answer, API keys, how the
// pages look, what this is. Which of them is shown stands in the address.

import { useContext, useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { ColorModeContext } from "$/utils/context";

import { leave, me, read } from "$/public/api.js";
import { Keys } from "$/public/api_keys.jsx";
import { useDensity } from "$/public/density.js";
import * as format from "$/public/format.js";
import { useMay, whyNot } from "$/public/may.js";
import { ModelProviders } from "$/public/model_providers.jsx";
import { Copy, Icon, isTyping, NotAllowed, Panel, Segment } from "$/public/parts.jsx";

const EMBEDDERS = { minilm: "MiniLM: found by meaning and by words", hashing: "hashing: found by words, the weights for meanings are not installed" };
const TABS = [["models", "Models"], ["keys", "API keys"], ["appearance", "Appearance"], ["about", "About"]];

/** The page. */
export function SettingsPage() {
  const [search, setSearch] = useSearchParams();
  const tab = TABS.some(([key]) => key === search.get("tab")) ? search.get("tab") : "models";
  const choose = (key) => setSearch(key === "models" ? {} : { tab: key });
  useTabKeys(tab, choose);
  const may = useMay();
  return (
    <div className="page settings">
      <div className="tabs" role="tablist" aria-label="Settings">
        {TABS.map(([key, word]) => (
          <button key={key} type="button" role="tab" id={`tab-${key}`} aria-selected={key === tab} aria-controls="tabpanel" onClick={() => choose(key)}>{word}</button>
        ))}
      </div>
      <div className="content" role="tabpanel" id="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === "models" && <ModelProviders />}
        {tab === "keys" && may.isKnown && (may("keys") ? <Keys /> : <NotAllowed title="API keys are for owners" what="keys" />)}
        {tab === "appearance" && <Appearance />}
        {tab === "about" && may.isKnown && <About isWhole={may("system")} />}
      </div>
    </div>
  );
}

/** The arrows go from tab to tab while one has the focus. */
function useTabKeys(tab, choose) {
  useEffect(() => {
    const press = (event) => {
      if (isTyping(event) || document.activeElement?.role !== "tab") return;
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = TABS[(TABS.findIndex(([key]) => key === tab) + step + TABS.length) % TABS.length][0];
      choose(next);
      document.getElementById(`tab-${next}`)?.focus();
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  });
}

function Appearance() {
  const [density, setDensity] = useDensity();
  const { rawColorMode, setColorMode } = useContext(ColorModeContext);
  const [who, setWho] = useState(null);
  useEffect(() => {
    me().then(setWho).catch(() => {}); // the rest stands without it
  }, []);
  const isCalm = useMedia("(prefers-reduced-motion: reduce)");
  return (
    <Panel title="Appearance" className="slim">
      <dl className="rows">
        <div><dt>Theme<span className="meta">Kept in this browser</span></dt>
          <dd><Segment label="Theme" value={rawColorMode} onChange={setColorMode} options={[["system", "System"], ["light", "Light"], ["dark", "Dark"]]} /></dd></div>
        <div className="desk-only"><dt>Density<span className="meta">Kept in this browser</span></dt>
          <dd><Segment label="Density" value={density} onChange={setDensity} options={[["comfortable", "Comfortable"], ["compact", "Compact"]]} /></dd></div>
        <div><dt>Motion<span className="meta">As your device asks</span></dt>
          <dd className="quiet">{isCalm ? "Nothing moves: your device asks for less motion" : "Small, under 0.2 s. Ask your device for less motion, and nothing moves"}</dd></div>
        <div><dt>Keys<span className="meta">On every page</span></dt>
          <dd className="quiet">Press <kbd>?</kbd> for the list</dd></div>
        <div><dt>Account<span className="meta">{who ? `${who.name}, ${who.role}` : ""}</span></dt>
          <dd><button type="button" className="btn" onClick={leave}><Icon name="leave" size={14} />Log out</button></dd></div>
      </dl>
    </Panel>
  );
}

function useMedia(query) {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const change = () => setMatches(media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, [query]);
  return matches;
}

function About({ isWhole }) {
  const [system, setSystem] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    if (!isWhole) return undefined;
    const leaving = new AbortController();
    read("/system", { signal: leaving.signal }).then(setSystem).catch((failure) => leaving.signal.aborted || setProblem(failure));
    return () => leaving.abort();
  }, [isWhole]);
  const part = (name) => system?.parts.find((each) => each.name === name);
  const redis = part("redis");
  const postgres = part("postgres");
  const rows = system ? [
    ["PyGent Factory", system.version],
    ["Python", system.python],
    ["Postgres", postgres.version ? `${postgres.version}${postgres.facts.pgvector ? `, pgvector ${postgres.facts.pgvector}` : ""}` : "out of reach"],
    [redis.title, redis.version ?? "out of reach"],
    ["Embedder", EMBEDDERS[system.embedder] ?? system.embedder],
    ["Log", system.position === null ? "out of reach" : `${format.count(system.position)} positions`],
  ] : [];
  return (
    <div className="stack">
      <Panel title="This factory" className="slim" tools={isWhole && <Link className="btn ghost small" to="/system">System<Icon name="rightc" size={12} /></Link>}>
        {!isWhole && <p className="quiet-face">{whyNot("system")}.</p>}
        {problem && <p className="quiet-face" role="alert">{problem.message}</p>}
        {isWhole && !system && !problem && <div className="sk-rows">{[40, 60, 50].map((width) => <div className="sk-row" key={width}><span className={`sk sk-w${width}`} /></div>)}</div>}
        {system && (
          <dl className="rows">
            {rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd className="num">{value}</dd></div>)}
            <div><dt>Epoch<span className="meta">Numbers of the log belong to it</span></dt><dd className="row"><span className="mono clip">{system.epoch}</span><Copy text={system.epoch} label="Copy the epoch" /></dd></div>
          </dl>
        )}
      </Panel>
      <Panel title="Read on" className="slim">
        <dl className="rows">
          <div><dt>Documentation</dt><dd><Link className="link" to="/knowledge?c=pygent-docs">Its pages</Link><span className="quiet">, and </span><Link className="link" to="/agents/guide">the agent guide</Link><span className="quiet">, which answers from them and cites them</span></dd></div>
          <div><dt>REST</dt><dd><a className="link" href="/api/docs">Every request, to be tried</a><span className="quiet"> and </span><a className="link" href="/api/openapi.json">its description in OpenAPI</a></dd></div>
          <div><dt>Terminal</dt><dd className="quiet"><code>pygent --help</code>, and <code>pygent doctor</code> when something is wrong</dd></div>
          <div><dt>Changes</dt><dd><a className="link" href="/changelog.txt">What changed in which version</a></dd></div>
          <div><dt>Licence</dt><dd><a className="link" href="/licence.txt">Apache License 2.0</a><span className="quiet">; </span><a className="link" href="/licences.txt">those of everything it stands on</a><span className="quiet">, and </span><a className="link" href="/notices.txt">the notices of what is in these pages</a></dd></div>
        </dl>
      </Panel>
    </div>
  );
}
