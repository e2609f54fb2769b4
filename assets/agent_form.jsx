// The fields of an agent's spec. They hold nothing: what is changed is told upwards as a path and a
// value, and what the API says of a field stands beside it.

import { cloneElement, useEffect, useMemo, useState } from "react";

import { pages, read } from "$/public/api.js";
import { Icon } from "$/public/parts.jsx";

const TOOLS = [
  ["knowledge_search", "Search the collections below; all of them when none is chosen"],
  ["calculator", "Reckon exactly"],
  ["clock", "Know the date and the time"],
];
const STRATEGIES = {
  react: "Thinks, uses tools, looks at what they gave, until it can answer",
  direct: "Answers at once, without tools",
};
const PATTERNS = { // what the API's patterns mean
  name: "Only lower case letters, digits and dashes, at most 63, no dash at either end",
};
const LOCAL = ["extractive", "scripted"]; // models without a provider before a colon
const MANY = 12; // boxes to choose from at once; of more, those that are found
const LIMITS = [["steps", "Steps", 1, 20], ["tokens", "Tokens", 1000, 200_000], ["seconds", "Seconds", 10, 300], ["money", "US dollars", 0.1, 1]];
/** Fields that are drawn here; others stand in the source alone. */
export const FIELDS = ["name", "description", "instructions", "model", "strategy", "tools", "collections", "limits", "temperature", "max_output_tokens"];

/** What there is to choose from: providers, names of models in use, collections; null until the first are known. */
export function useChoices() {
  const [found, setFound] = useState({});
  useEffect(() => {
    const leaving = new AbortController();
    const { signal } = leaving;
    const tell = (name, items) => signal.aborted || setFound((before) => ({ ...before, [name]: items }));
    const gather = async (name, path) => {
      try {
        for await (const items of pages(path, { signal })) tell(name, items);
      } catch {
        if (!signal.aborted) setFound((before) => ({ ...before, [name]: before[name] ?? [] })); // any name can be typed
      }
    };
    read("/models", { signal }).then(({ items }) => tell("providers", items), () => tell("providers", []));
    gather("agents", "/agents");
    gather("collections", "/collections");
    return () => leaving.abort();
  }, []);
  const { providers, agents, collections } = found;
  return useMemo(() => {
    if (!providers || !agents || !collections) return null;
    return { providers, collections, models: [...new Set(agents.map((each) => each.model))] };
  }, [providers, agents, collections]);
}

/** The form. `said` tells what is wrong with a field and whether that may be shown yet. */
export function SpecFields({ spec, said, isNamed, isFrozen, choices, onChange }) {
  const text = (name, value) => onChange([name], value === "" ? undefined : value);
  const list = (name) => (Array.isArray(spec[name]) ? spec[name].map(String) : []);
  const tools = list("tools");
  const number = (path, value) => onChange(path, value === "" ? undefined : asNumber(value));
  const limits = spec.limits && typeof spec.limits === "object" ? spec.limits : {};
  const strategy = spec.strategy ?? "react";
  return (
    <fieldset className="specform" disabled={isFrozen}>
      <legend className="sr">The spec as a form</legend>
      <div className="fields">
        <Field id="spec-name" name="Name" error={said("name")} hint={isNamed ? "A name stays as long as the agent" : "Lower case, digits and dashes"}>
          <input value={shown(spec.name)} disabled={isNamed} placeholder="incident-analyst" maxLength={100} autoComplete="off" spellCheck={false}
            onChange={(event) => onChange(["name"], event.target.value)} />
        </Field>
        <Field id="spec-description" name="Description" error={said("description")}>
          <input value={shown(spec.description)} placeholder="What it is for, in a sentence" onChange={(event) => text("description", event.target.value)} />
        </Field>
        <ModelField value={shown(spec.model)} error={said("model")} choices={choices} onChange={(value) => text("model", value)} />
        <Field id="spec-strategy" name="Strategy" error={said("strategy")} hint={STRATEGIES[strategy]}>
          <select value={strategy} onChange={(event) => onChange(["strategy"], event.target.value)}>
            {Object.keys(STRATEGIES).map((name) => <option key={name} value={name}>{name}</option>)}
            {!STRATEGIES[strategy] && <option value={strategy}>{String(strategy)}</option>}
          </select>
        </Field>
        <Field id="spec-instructions" name="Instructions" error={said("instructions")} isWide>
          <textarea rows={7} value={shown(spec.instructions)} placeholder="What it should do, how, and what it must not do"
            onChange={(event) => text("instructions", event.target.value)} />
        </Field>
        <Choices name="Tools" id="spec-tools" error={said("tools")} options={withUnknown(TOOLS, tools)} chosen={tools}
          onChange={(chosen) => onChange(["tools"], chosen.length ? chosen : undefined)} />
        <Choices name="Collections" id="spec-collections" error={said("collections")} chosen={list("collections")}
          options={withUnknown((choices?.collections ?? []).map((each) => [each.name, each.description ?? ""]), list("collections"))}
          empty="No collection yet. Add one under Knowledge, or with pygent ingest"
          onChange={(chosen) => {
            onChange(["collections"], chosen.length ? chosen : undefined);
            if (chosen.length && !tools.includes("knowledge_search")) onChange(["tools"], [...tools, "knowledge_search"]);
          }} />
        <fieldset className="limits">
          <legend>Limits of one task</legend>
          {LIMITS.map(([key, word, step, usual]) => (
            <Field key={key} id={`spec-limits.${key}`} name={word} error={said(`limits.${key}`)}>
              <input type="number" inputMode="decimal" min="0" step={step} placeholder={String(usual)} value={shown(limits[key])} onChange={(event) => number(["limits", key], event.target.value)} />
            </Field>
          ))}
        </fieldset>
        <Field id="spec-temperature" name="Temperature" error={said("temperature")} hint="0 to 2; empty: the provider’s own">
          <input type="number" inputMode="decimal" min="0" max="2" step="0.1" value={shown(spec.temperature)} onChange={(event) => number(["temperature"], event.target.value)} />
        </Field>
        <Field id="spec-max_output_tokens" name="Longest answer, in tokens" error={said("max_output_tokens")} hint="Empty: the provider’s own">
          <input type="number" inputMode="numeric" min="1" step="100" value={shown(spec.max_output_tokens)} onChange={(event) => number(["max_output_tokens"], event.target.value)} />
        </Field>
        {spec.model === "scripted" && <p className="meta wide">The turns of the script stand in the source, under <code>script</code>. Without them it repeats what it is asked.</p>}
      </div>
    </fieldset>
  );
}

const shown = (value) => (value === null || value === undefined ? "" : String(value));
const asNumber = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

/** The API's rule in words a person knows. */
export const inWords = ({ field, rule }) => (rule.includes("should match pattern") ? PATTERNS[field] ?? rule : rule.replace(/^(Value error, |agent (without a name|'[^']*'|"[^"]*"|\S+): )/, ""));

const withUnknown = (options, chosen) => [...options, ...chosen.filter((name) => !options.some(([known]) => known === name)).map((name) => [name, "not known here"])];

function ModelField({ value, error, choices, onChange }) {
  const providers = choices?.providers ?? [];
  const ready = providers.filter((each) => each.is_configured);
  const names = [...new Set([...LOCAL.filter((name) => !providers.length || ready.some((each) => each.name === name)), ...(choices?.models ?? []), ...ready.filter((each) => !LOCAL.includes(each.name)).map((each) => `${each.name}:`)])];
  const chosen = providers.find((each) => each.name === value.split(":")[0]);
  const missing = chosen && !chosen.is_configured && chosen.variable;
  const outside = ready.filter((each) => each.variable).map((each) => each.name);
  const hint = missing ? `Not set up here: its tasks fail until ${chosen.variable} is set`
    : `extractive, scripted, or provider:name${outside.length ? `. Set up here: ${outside.join(", ")}` : ""}`;
  return (
    <><datalist id="models">{names.map((name) => <option key={name} value={name} />)}</datalist><Field id="spec-model" name="Model" error={error} hint={hint} isWarning={Boolean(missing)}>
      <input list="models" value={value} autoComplete="off" spellCheck={false} onChange={(event) => onChange(event.target.value)} />
    </Field></>
  );
}

function Field({ id, name, hint, error, isWide = false, isWarning = false, children }) {
  const about = `${id}-about`;
  const control = cloneElement(children, { id, "aria-describedby": error || hint ? about : undefined, "aria-invalid": error ? true : undefined });
  return (
    <div className={`lab ${isWide ? "wide" : ""} ${error ? "wrong" : ""}`}>
      <label className="word" htmlFor={id}>{name}</label>
      {control}
      {error ? <span className="error" id={about}><Icon name="s-failed" size={12} />{error}</span> : hint && <span id={about} className={`meta ${isWarning ? "caution" : ""}`}>{hint}</span>}
    </div>
  );
}

function Choices({ name, id, options, chosen, onChange, error, empty }) {
  const [words, setWords] = useState("");
  const isLong = options.length > MANY;
  const fitting = isLong ? options.filter(([key, word]) => chosen.includes(key) || `${key} ${word}`.toLowerCase().includes(words.trim().toLowerCase())) : options;
  const offered = isLong ? [...fitting.filter(([key]) => chosen.includes(key)), ...fitting.filter(([key]) => !chosen.includes(key)).slice(0, MANY)] : options;
  const toggle = (key) => onChange(chosen.includes(key) ? chosen.filter((each) => each !== key) : [...chosen, key]);
  return (
    <fieldset className={error ? "wrong" : ""} id={id} tabIndex={-1}>
      <legend>{name}</legend>
      {!options.length && <p className="meta">{empty}</p>}
      {isLong && <input type="search" aria-label={`Find among ${name.toLowerCase()}`} placeholder={`Find among ${options.length}`} value={words} autoComplete="off" onChange={(event) => setWords(event.target.value)} />}
      {isLong && words && !fitting.length && <p className="meta">None has “{words}” in its name or description</p>}
      {offered.map(([key, word]) => (
        <label key={key} className="choice"><input type="checkbox" checked={chosen.includes(key)} onChange={() => toggle(key)} /><span className="mono">{key}</span><span className="meta clip" title={word}>{word}</span></label>
      ))}
      {error && <span className="error"><Icon name="s-failed" size={12} />{error}</span>}
    </fieldset>
  );
}
