// The form of an agent's spec. The API judges it; what it refuses is said beside the field.

import { useEffect, useState } from "react";

import { query, read } from "$/public/api.js";
import { Icon } from "$/public/parts.jsx";

const TOOLS = [
  ["knowledge_search", "Search the collections below"],
  ["calculator", "Reckon exactly"],
  ["clock", "Know the date and the time"],
];
const BLANK = {
  name: "", description: "", instructions: "", model: "extractive", strategy: "react",
  tools: ["knowledge_search"], collections: [], limits: { steps: 20, tokens: 200_000, seconds: 300, money: 1 },
};
const PATTERNS = { // what the API's patterns mean
  name: "Only lower case letters, digits and dashes, at most 63, no dash at either end",
  model: "extractive, scripted, or provider:name",
};
const LOCAL = ["extractive", "scripted"]; // models without a provider before a colon
const LIMITS = [["steps", "Steps", 1], ["tokens", "Tokens", 1000], ["seconds", "Seconds", 10], ["money", "US dollars", 0.1]];

/** The form; `spec` is what it starts from, `isNamed` that the name cannot change. */
export function AgentForm({ spec = null, isNamed = false, verb, onSubmit, onCancel }) {
  const [draft, setDraft] = useState(() => ({ ...BLANK, ...spec, limits: { ...BLANK.limits, ...spec?.limits } }));
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const models = useModels();
  const collections = useCollections();
  const set = (change) => setDraft((before) => ({ ...before, ...change }));
  const wrong = (name) => problem && errorsOf(problem).find(([field]) => field === name || field.startsWith(`${name}.`))?.[1];
  const isPlaced = problem && errorsOf(problem).some(([field]) => FIELDS.includes(field.split(".")[0]));

  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit(clean(draft));
    } catch (failure) {
      setProblem(failure);
    }
    setBusy(false);
  };
  return (
    <form className="specform" onSubmit={submit} noValidate>
      <div className="fields">
        <Field name="Name" error={wrong("name")} hint="Lower case, digits and dashes">
          <input value={draft.name} disabled={isNamed} placeholder="incident-analyst" maxLength={63} onChange={(event) => set({ name: event.target.value })} autoFocus={!isNamed} />
        </Field>
        <Field name="Description" error={wrong("description")}>
          <input value={draft.description} placeholder="What it is for, in a sentence" onChange={(event) => set({ description: event.target.value })} />
        </Field>
        <Field name="Model" error={wrong("model")} hint={models.hint}>
          <input list="models" value={draft.model} onChange={(event) => set({ model: event.target.value })} />
        </Field>
        <datalist id="models">{models.names.map((name) => <option key={name} value={name} />)}</datalist>
        <Field name="Strategy" error={wrong("strategy")} hint={draft.strategy === "react" ? "Thinks, uses tools, looks at what they gave, until it can answer" : "Answers at once, without tools"}>
          <select value={draft.strategy} onChange={(event) => set({ strategy: event.target.value })}>
            <option value="react">react</option>
            <option value="direct">direct</option>
          </select>
        </Field>
        <Field name="Instructions" error={wrong("instructions")} isWide>
          <textarea rows={6} value={draft.instructions} placeholder="What it should do, how, and what it must not do" onChange={(event) => set({ instructions: event.target.value })} />
        </Field>
        <Choices name="Tools" error={wrong("tools")} options={withUnknown(TOOLS, draft.tools)} chosen={draft.tools}
          onChange={(tools) => set({ tools, collections: tools.includes("knowledge_search") ? draft.collections : [] })} />
        <Choices name="Collections" error={wrong("collections")} options={withUnknown(collections, draft.collections)} chosen={draft.collections}
          empty="No collection yet: pygent ingest makes one" onChange={(chosen) => set({ collections: chosen, tools: chosen.length && !draft.tools.includes("knowledge_search") ? [...draft.tools, "knowledge_search"] : draft.tools })} />
        <fieldset className="limits">
          <legend>Limits of one task</legend>
          {LIMITS.map(([key, word, step]) => (
            <Field key={key} name={word} error={wrong(`limits.${key}`)}>
              <input type="number" inputMode="decimal" min="0" step={step} value={draft.limits[key]} onChange={(event) => set({ limits: { ...draft.limits, [key]: event.target.value } })} />
            </Field>
          ))}
        </fieldset>
      </div>
      {problem && !isPlaced && <p className="error" role="alert"><Icon name="warning" size={14} />{problem.message}</p>}
      <footer>
        {problem && isPlaced && <span className="error grow" role="alert"><Icon name="s-failed" size={14} />Not saved: see the marked fields</span>}
        <button type="button" className="btn" onClick={onCancel}>Discard</button>
        <button type="submit" className="btn primary" disabled={isBusy}>{isBusy ? "Saving" : verb}</button>
      </footer>
    </form>
  );
}

const FIELDS = ["name", "description", "instructions", "model", "strategy", "tools", "collections", "limits"];

/** What the API refused as [field, sentence]. */
function errorsOf({ problems, field, message }) {
  const listed = problems.map((each) => [each.field, each.rule.includes("pattern") ? PATTERNS[each.field] ?? each.rule : each.rule]);
  if (listed.length) return listed;
  return field ? [[field, message]] : [];
}

function clean(draft) {
  const limits = Object.fromEntries(Object.entries(draft.limits).map(([key, value]) => [key, Number(value)]));
  return { ...draft, limits };
}

const withUnknown = (options, chosen) => [...options, ...chosen.filter((name) => !options.some(([known]) => known === name)).map((name) => [name, "not known here"])];

/** Model names to choose from, and where models can come from here. */
function useModels() {
  const [providers, setProviders] = useState([]);
  useEffect(() => {
    read("/models").then(({ items }) => setProviders(items)).catch(() => {}); // any name can be typed
  }, []);
  const ready = providers.filter((each) => each.is_configured);
  const missing = providers.filter((each) => !each.is_configured && each.variable);
  const names = ready.map(({ name }) => (LOCAL.includes(name) ? name : `${name}:`));
  const hint = `provider:name. Here: ${ready.map((each) => each.name).join(", ") || "extractive"}`
    + (missing.length ? `. Set ${missing.slice(0, 2).map((each) => each.variable).join(" or ")} for more` : "");
  return { names, hint };
}

function useCollections() {
  const [options, setOptions] = useState([]);
  useEffect(() => {
    read(`/collections${query({ limit: 200 })}`).then(({ items }) => setOptions(items.map((each) => [each.name, each.description ?? ""]))).catch(() => {});
  }, []);
  return options;
}

function Field({ name, hint, error, isWide = false, children }) {
  return (
    <label className={`${isWide ? "wide" : ""} ${error ? "wrong" : ""}`}>
      <span className="word">{name}</span>
      {children}
      {error ? <span className="error"><Icon name="s-failed" size={12} />{error}</span> : hint && <span className="meta">{hint}</span>}
    </label>
  );
}

function Choices({ name, options, chosen, onChange, error, empty }) {
  const toggle = (key) => onChange(chosen.includes(key) ? chosen.filter((each) => each !== key) : [...chosen, key]);
  return (
    <fieldset className={error ? "wrong" : ""}>
      <legend>{name}</legend>
      {!options.length && <p className="meta">{empty}</p>}
      {options.map(([key, word]) => (
        <label key={key} className="choice"><input type="checkbox" checked={chosen.includes(key)} onChange={() => toggle(key)} /><span className="mono">{key}</span><span className="meta clip">{word}</span></label>
      ))}
      {error && <span className="error"><Icon name="s-failed" size={12} />{error}</span>}
    </fieldset>
  );
}
