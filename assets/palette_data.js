// What the command palette offers: places, actions, and what the API finds for the words. No drawing
// in here, and nothing is asked before the typing pauses.

import { useEffect, useState } from "react";

import { query, read, send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { PLACES } from "$/public/keys.js";
import { recent } from "$/public/recent.js";

const PAUSE_MS = 150;
const MOST = 6; // of each kind
const RUNS = 3; // agents offered to be run
const TURNS = 3; // conversations that tasks are turns of
const PASSAGES = 20; // looked at for their documents
const FEW = 3; // found: then it is said what else the words may be good for
const SHORTEST = 2; // letters that documents are looked for with
const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const ONLY = { ">": ["Actions"], "#": ["Tasks"], "@": ["Agents"] }; // what a first letter asks for
const ICONS = { task: "tasks", agent: "agents", collection: "knowledge", document: "file", conversation: "ask" };

/** Places deeper than the bar at the side. */
const DEEPER = [
  ["Tasks that failed", "/tasks?state=failed", "tasks", "errors"],
  ["Tasks that work now", "/tasks?state=working", "tasks", "running open"],
  ["Tasks that wait for somebody", "/tasks?state=waiting", "tasks", "input required approval"],
  ["Connections", "/hub?view=connections", "hub", "clients sockets disconnect"],
  ["Open channels", "/hub?view=channels", "hub", "subscribers namespaces"],
  ["Settings: models", "/settings", "settings", "providers environment"],
  ["Settings: API keys", "/settings?tab=keys", "settings", "token"],
  ["Settings: appearance", "/settings?tab=appearance", "settings", "theme dark light density compact"],
  ["Settings: about", "/settings?tab=about", "settings", "version licence changelog notices documentation"],
];

const pages = () => [
  ...PLACES.map(({ does, to, icon, keys }) => ({ id: to, group: "Pages", icon, name: does, to, keys })),
  ...DEEPER.map(([name, to, icon, words]) => ({ id: `deep ${name}`, group: "Pages", icon, name, to, words })),
  { id: "rest", group: "Pages", icon: "help", name: "REST API reference", words: "openapi docs", leaves: "/api/docs" },
];

const pathOf = ({ kind, id }) => ({
  task: `/tasks/${id}`, agent: `/agents/${id}`, collection: `/knowledge?c=${encodeURIComponent(id)}`,
  document: `/knowledge?d=${encodeURIComponent(id)}`, conversation: `/agents/${id}`,
})[kind];

const isHere = (place) => pathOf(place) === location.pathname + (pathOf(place).includes("?") ? location.search : "");

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

const documentOf = ({ title, collection, document }) => ({
  id: `document ${document}`, group: "Documents", icon: "file", name: title, meta: collection, to: pathOf({ kind: "document", id: `${collection}/${document}` }),
});

/** The conversation a found task is a turn of; alone it is a task like any other. */
const conversationOf = ({ context_id: context, title, agent_name: agent, submitted_at: time }) => ({
  id: `conversation ${context}`, group: "Conversations", icon: "ask", name: title, meta: `${agent} · ${format.ago(time)}`,
  to: `/agents/${agent}/chat?context=${encodeURIComponent(context)}`,
});

/** What can be done with any words. */
const further = (words, ask) => [
  { id: "further search", group: "With these words", icon: "search", name: `Search the documents for “${words}”`, to: `/knowledge?q=${encodeURIComponent(words)}` },
  ...(ask ? [{ id: "further ask", group: "With these words", icon: "play", name: `Ask an agent “${words}”`, run: () => ask(words) }] : []),
];

/** The words that are looked for, and the groups that a first letter leaves. */
export function asked(text) {
  const only = ONLY[text[0]] ?? null;
  const words = (only ? text.slice(1) : text).trim();
  return { words, only };
}

const NOTHING = { words: "", tasks: [], agents: [], collections: [], documents: [], isBusy: false, problem: null };

/** What the API has for the words: tasks, agents, collections; kept while the next words are asked. */
export function useFound(text) {
  const { words, only } = asked(text);
  const [found, setFound] = useState(NOTHING);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const options = { signal: leaving.signal };
    const isEmpty = !words && !only;
    const timer = setTimeout(async () => {
      if (isEmpty) {
        setFound(NOTHING);
        return;
      }
      setFound((before) => ({ ...before, isBusy: true, problem: null }));
      try {
        const wants = (group) => !only || only.includes(group);
        const list = async (path, values) => (await read(`${path}${query(values)}`, options)).items;
        const [tasks, agents, collections, documents] = await Promise.all([
          wants("Tasks") ? tasksFor(words, list, options) : [],
          wants("Agents") ? list("/agents", { text: words, limit: MOST }) : [],
          only ? [] : list("/collections", { limit: 200 }),
          only || words.length < SHORTEST ? [] : documentsFor(words),
        ]);
        if (!leaving.signal.aborted) setFound({ words, tasks, agents, collections, documents, isBusy: false, problem: null });
      } catch (problem) {
        if (!leaving.signal.aborted) setFound((before) => ({ ...before, words, isBusy: false, problem }));
      }
    }, isEmpty ? 0 : PAUSE_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [words, only, tries]);
  return { ...found, retry: () => setTries((count) => count + 1) };
}

/** Documents that have the words in a passage; those that have them in their title first. */
async function documentsFor(words) {
  const asked = { query: words, limit: PASSAGES, by: "words", explain: true };
  const passages = await send("POST", "/search", asked).then((answer) => answer.passages, () => []); // the page of knowledge says what fails
  const isTitled = ({ matches }) => Boolean(matches?.title?.length);
  const sorted = [...passages.filter(isTitled), ...passages.filter((each) => !isTitled(each))];
  return sorted.filter((each, index) => sorted.findIndex(({ document }) => document === each.document) === index).slice(0, MOST);
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

/** Everything to be chosen from, in groups; with `run(agent)`, `ask(words)` and the actions of the page. */
export function offers({ text, found, actions, run, ask }) {
  const { words, only } = asked(text);
  const here = (entries) => best(entries, words);
  const runs = run ? found.agents.filter(({ state }) => state === "active").slice(0, RUNS).map(({ id, name }) => ({
    id: `run ${id}`, group: "Actions", icon: "play", name: `Run ${name} …`, meta: "New task", run: () => run(name),
  })) : [];
  const turns = found.tasks.filter(({ id, context_id: context }) => context && context !== id);
  const shown = new Set();
  const groups = new Map([
    ["Recent", words ? [] : lately()],
    ["Actions", [...(words ? runs : []), ...here(actions)]],
    ["Pages", here(pages())],
    ["Agents", found.agents.map(agentOf)],
    ["Tasks", found.tasks.map(taskOf)],
    ["Conversations", turns.map(conversationOf).slice(0, TURNS)],
    ["Collections", words ? here(found.collections.map(collectionOf)).slice(0, MOST) : []],
    ["Documents", found.documents.map(documentOf)],
  ]);
  const count = [...groups.values()].reduce((sum, each) => sum + each.length, 0);
  groups.set("With these words", words && !only && count <= FEW && found.words === words ? further(words, ask) : []);
  return order(groups, words && !only ? words : "")
    .filter((name) => !only || only.includes(name))
    .map((name) => [name, groups.get(name).filter(({ id }) => !shown.has(id) && shown.add(id))])
    .filter(([, entries]) => entries.length);
}

const USUAL = ["Actions", "Tasks", "Agents", "Conversations", "Collections", "Documents", "Pages"];

/** Without words as they stand; with words, what begins like them goes before what only holds them. */
function order(groups, words) {
  if (!words) return [...groups.keys()];
  const nearest = (name) => Math.min(FAR, ...groups.get(name).map((entry) => distance(entry, words)));
  const first = ["Actions", "Pages", "Agents"].filter((name) => nearest(name) <= (name === "Actions" ? WITHIN_WORDS : BEGINS));
  const last = nearest("Actions") > WITHIN ? ["Actions"] : [];
  const rest = USUAL.filter((name) => !first.includes(name) && !last.includes(name));
  return [...first, ...rest, ...last, "With these words"];
}

const [SAME, BEGINS, WITHIN_WORDS, WITHIN, ABOUT, SCATTERED, FAR] = [0, 1, 2, 3, 4, 5, 6];
const FEWEST_SCATTERED = 3; // letters

/** How far an entry is from the words; FAR is not fitting. */
function distance({ name, words: more = "" }, words) {
  const [title, wanted] = [name.toLowerCase(), words.toLowerCase()];
  const each = wanted.split(/\s+/);
  const begins = title.split(/[^\p{L}\p{N}]+/u);
  if (title === wanted) return SAME;
  if (title.startsWith(wanted)) return BEGINS;
  if (each.every((word) => begins.some((start) => start.startsWith(word)))) return WITHIN_WORDS;
  if (each.every((word) => title.includes(word))) return WITHIN;
  if (each.every((word) => `${title} ${more.toLowerCase()}`.includes(word))) return ABOUT;
  return wanted.length >= FEWEST_SCATTERED && holdsInOrder(title, wanted) ? SCATTERED : FAR;
}

/** Whether the letters stand in the title in this order: `apk` in `API keys`. */
function holdsInOrder(title, letters) {
  let at = -1;
  return [...letters].every((letter) => {
    at = title.indexOf(letter, at + 1);
    return at >= 0;
  });
}

function best(entries, words) {
  if (!words) return entries;
  const known = entries.map((entry) => [distance(entry, words), entry]).filter(([far]) => far < FAR);
  const nearest = Math.min(FAR, ...known.map(([far]) => far));
  return known.filter(([far]) => far < SCATTERED || nearest === SCATTERED) // scattered letters only where nothing else is
    .sort(([one], [other]) => one - other).map(([, entry]) => entry);
}

/** The name in parts, those that were typed marked. */
export function marked(name, text) {
  const words = asked(text).words.split(/\s+/).filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!words.length) return [[name, false]];
  return name.split(new RegExp(`(${words.join("|")})`, "gi")).map((part, index) => [part, index % 2 === 1]).filter(([part]) => part);
}
