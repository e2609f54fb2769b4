// What the command palette offers: places, actions, and what the API finds for the words. No drawing
// in here, and nothing is asked before the typing pauses.

import { useEffect, useState } from "react";

import { query, read } from "$/public/api.js";
import * as format from "$/public/format.js";
import { PLACES } from "$/public/keys.js";
import { recent } from "$/public/recent.js";

const PAUSE_MS = 150;
const MOST = 6; // of each kind
const RUNS = 3; // agents offered to be run
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const ONLY = { ">": ["Actions"], "#": ["Tasks"], "@": ["Agents"] }; // what a first letter asks for
const ICONS = { task: "tasks", agent: "agents", collection: "knowledge" };

/** Places deeper than the bar at the side. */
const DEEPER = [
  ["Tasks that failed", "/tasks?state=failed", "tasks", "errors"],
  ["Tasks that work now", "/tasks?state=working", "tasks", "running open"],
  ["Tasks that wait for somebody", "/tasks?state=waiting", "tasks", "input required approval"],
  ["Settings: models", "/settings", "settings", "providers environment"],
  ["Settings: API keys", "/settings?tab=keys", "settings", "token"],
  ["Settings: appearance", "/settings?tab=appearance", "settings", "theme dark light"],
  ["Settings: about", "/settings?tab=about", "settings", "version licence"],
];

const pages = () => [
  ...PLACES.map(({ does, to, icon, keys }) => ({ id: to, group: "Pages", icon, name: does, to, keys })),
  ...DEEPER.map(([name, to, icon, words]) => ({ id: `deep ${name}`, group: "Pages", icon, name, to, words })),
  { id: "rest", group: "Pages", icon: "help", name: "REST API reference", words: "openapi docs", leaves: "/api/docs" },
];

const pathOf = ({ kind, id }) => ({
  task: `/tasks/${id}`, agent: `/agents/${id}`, collection: `/knowledge?c=${encodeURIComponent(id)}`,
})[kind];

const isHere = (place) => pathOf(place) === location.pathname + (place.kind === "collection" ? location.search : "");

const lately = () => recent().filter((place) => !isHere(place)).map(({ kind, id, name }) => ({
  id: `recent ${kind} ${id}`, group: "Recent", icon: ICONS[kind], name, meta: kind[0].toUpperCase() + kind.slice(1), to: pathOf({ kind, id }), words: id,
}));

const agentOf = ({ id, name, state, number, description }) => ({
  id: `agent ${id}`, group: "Agents", icon: "agents", name, meta: state === "active" ? `v${number}` : state, words: description, to: pathOf({ kind: "agent", id: name }),
});

const taskOf = ({ id, title, state, agent_name: agent, submitted_at: time }) => ({
  id: `task ${id}`, group: "Tasks", icon: `s-${state}`, tint: `s-${state}`, name: title || "Untitled", meta: `${agent} · ${format.ago(time)}`, to: pathOf({ kind: "task", id }), words: id,
});

const collectionOf = ({ name, documents }) => ({
  id: `collection ${name}`, group: "Collections", icon: "knowledge", name, meta: documents === undefined ? "" : format.plural(documents, "document"), to: pathOf({ kind: "collection", id: name }),
});

/** The words that are looked for, and the groups that a first letter leaves. */
export function asked(text) {
  const only = ONLY[text[0]] ?? null;
  const words = (only ? text.slice(1) : text).trim();
  return { words, only };
}

/** What the API has for the words: tasks, agents, collections; kept while the next words are asked. */
export function useFound(text) {
  const { words, only } = asked(text);
  const [found, setFound] = useState({ tasks: [], agents: [], collections: [], isBusy: false, problem: null });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const options = { signal: leaving.signal };
    const isEmpty = !words && !only;
    const timer = setTimeout(async () => {
      if (isEmpty) {
        setFound({ tasks: [], agents: [], collections: [], isBusy: false, problem: null });
        return;
      }
      setFound((before) => ({ ...before, isBusy: true, problem: null }));
      try {
        const wants = (group) => !only || only.includes(group);
        const list = async (path, values) => (await read(`${path}${query(values)}`, options)).items;
        const [tasks, agents, collections] = await Promise.all([
          wants("Tasks") ? tasksFor(words, list, options) : [],
          wants("Agents") ? list("/agents", { text: words, limit: MOST }) : [],
          only ? [] : list("/collections", { limit: 200 }),
        ]);
        setFound({ tasks, agents, collections, isBusy: false, problem: null });
      } catch (problem) {
        if (!leaving.signal.aborted) setFound((before) => ({ ...before, isBusy: false, problem }));
      }
    }, isEmpty ? 0 : PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [words, only, tries]);
  return { ...found, retry: () => setTries((count) => count + 1) };
}

/** Tasks by their title; an id, also within a link, is that task. */
async function tasksFor(words, list, options) {
  const id = words.match(ID)?.[0];
  if (!id) return list("/tasks", { text: words.slice(0, 200), limit: MOST });
  const task = await read(`/tasks/${id.toLowerCase()}`, options).catch((problem) => {
    if (problem.status === 404) return null;
    throw problem;
  });
  return task ? [{ ...task, id: id.toLowerCase() }] : [];
}

/** Everything to be chosen from, in groups; with `run(agent)` and the actions of the page. */
export function offers({ text, found, actions, run }) {
  const { words, only } = asked(text);
  const here = (entries) => entries.filter((entry) => fits(entry, words));
  const runs = found.agents.filter(({ state }) => state === "active").slice(0, RUNS).map(({ id, name }) => ({
    id: `run ${id}`, group: "Actions", icon: "play", name: `Run ${name} …`, meta: "New task", run: () => run(name),
  }));
  const shown = new Set();
  const groups = [
    ["Recent", words ? [] : lately()],
    ["Actions", [...(words ? runs : []), ...here(actions)]],
    ["Pages", here(pages())],
    ["Agents", found.agents.map(agentOf)],
    ["Tasks", found.tasks.map(taskOf)],
    ["Collections", words ? here(found.collections.map(collectionOf)).slice(0, MOST) : []],
  ];
  const order = words && !only ? ["Recent", "Actions", "Tasks", "Agents", "Collections", "Pages"] : groups.map(([name]) => name);
  return order.map((name) => groups.find(([group]) => group === name))
    .filter(([name]) => !only || only.includes(name))
    .map(([name, entries]) => [name, entries.filter(({ id }) => !shown.has(id) && shown.add(id))])
    .filter(([, entries]) => entries.length);
}

function fits({ name, words: more = "" }, words) {
  const text = `${name} ${more}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The name in parts, those that were typed marked. */
export function marked(name, text) {
  const words = asked(text).words.split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!words.length) return [[name, false]];
  return name.split(new RegExp(`(${words.join("|")})`, "gi")).map((part, index) => [part, index % 2 === 1]).filter(([part]) => part);
}
