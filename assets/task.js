// The fold of a task's stream, for the page: the second of two. The first is protocols/task_fold.py;
// tests/dashboard/test_reducers.py runs both over the same histories and compares them at every
// version. What this gives is exactly the JSON of a `Task`. It imports nothing and interprets
// nothing else; unknown types change the version alone.

const USAGE = ["input", "output", "cached_read", "cached_write", "reasoning"];

/** A task before its first event. */
export function empty(id) {
  return {
    id, context_id: "", title: "", state: "submitted", version: 0, attempt: 0,
    agent: "", agent_name: "", agent_version: 0, model: "",
    submitted_by: "", submitted_at: null, started_at: null, ended_at: null, updated_at: null,
    input: [], said: [], steps: [], attempts: [], usage: {}, cost: 0,
    cancel_requested_by: null, message: null, answer: null, code: null, reason: null,
  };
}

/** The task after these events, which start at version 1 and may lack finished deltas. */
export function fold(id, events) {
  const task = empty(id);
  for (const event of events) advance(task, event);
  return task;
}

/** Fold one more event into `task`; an older or unknown one changes nothing but the version. */
export function advance(task, event) {
  if (event.version <= task.version) return;
  task.version = event.version;
  task.updated_at = event.time;
  if (Object.hasOwn(ARMS, event.type)) ARMS[event.type](task, event, event.data);
}

const ARMS = {
  "task.submitted": (task, event, data) => {
    task.context_id = data.context_id ?? task.id;
    task.title = data.title;
    task.input = data.input.map(message);
    task.agent = data.agent;
    task.agent_name = data.agent_name;
    task.agent_version = data.agent_version;
    task.model = data.model;
    task.submitted_by = event.actor;
    task.submitted_at = event.time;
  },
  "attempt.started": (task, event, data) => {
    discard(task);
    endAttempt(task, event, "died");
    task.state = "working";
    task.attempt = event.attempt;
    task.started_at ??= event.time;
    task.attempts.push({
      number: event.attempt, worker: data.worker, is_alone: data.alone ?? false,
      started_at: event.time, ended_at: null, outcome: null, code: null, reason: null,
    });
  },
  "step.started": (task, event, data) => {
    task.steps.push({
      id: data.step, kind: data.kind, name: data.name, state: "running", attempt: event.attempt,
      version: event.version, last_version: event.version,
      started_at: event.time, ended_at: null,
      parent: data.parent ?? null, call: data.call ?? null, model: data.model ?? null,
      arguments: data.arguments ?? null, result: null, usage: null, cost: null,
      first_token: null, finish_reason: null, summary: null, code: null, reason: null,
    });
  },
  "step.finished": (task, event, data) => {
    const step = last(task.steps, data.step);
    if (!step) return;
    step.state = "finished";
    step.ended_at = event.time;
    step.last_version = event.version;
    step.usage = data.usage ? tokens(data.usage) : null;
    step.cost = data.cost ?? null;
    step.result = data.result ?? null;
    step.model = data.model || step.model;
    step.first_token = data.first_token ?? null;
    step.finish_reason = data.finish_reason ?? null;
    step.summary = data.summary ?? null;
    task.usage = tokens(data.usage, task.usage);
    task.cost += data.cost ?? 0;
  },
  "step.failed": (task, event, data) => {
    const step = last(task.steps, data.step);
    if (!step) return;
    step.state = "failed";
    step.ended_at = event.time;
    step.last_version = event.version;
    step.code = data.code;
    step.reason = data.reason;
    task.said = task.said.filter((said) => said.step !== data.step || said.is_finished);
  },
  "message.started": (task, event, data) => say(task, event, data, "message"),
  "reasoning.started": (task, event, data) => say(task, event, data, "reasoning"),
  "message.delta": write,
  "reasoning.delta": write,
  "message.finished": (task, event, data) => {
    const said = last(task.said, data.message);
    if (!said) return;
    said.text = data.text;
    said.is_finished = true;
    said.citations = (data.citations ?? []).map(citation);
  },
  "reasoning.finished": (task, event, data) => {
    const said = last(task.said, data.message);
    if (!said) return;
    said.text = data.text;
    said.is_finished = true;
  },
  "task.completed": (task, event, data) => {
    task.message = data.message;
    task.answer = data.text;
    end(task, event, "completed");
  },
  "task.failed": (task, event, data) => {
    task.code = data.code;
    task.reason = data.reason;
    end(task, event, "failed");
  },
  "task.rejected": (task, event, data) => {
    task.code = data.code;
    task.reason = data.reason;
    end(task, event, "rejected");
  },
  "task.canceled": (task, event) => end(task, event, "canceled"),
  "task.cancel_requested": (task, event) => {
    task.cancel_requested_by = event.actor;
  },
  "task.handed_back": (task, event) => {
    task.state = "submitted";
    discard(task);
    endAttempt(task, event, "handed_back");
  },
  "attempt.failed": (task, event, data) => {
    discard(task);
    endAttempt(task, event, "died", data.code, data.reason);
  },
};

function write(task, event, data) {
  const said = last(task.said, data.message);
  if (said) said.text += data.text;
}

function say(task, event, data, kind) {
  task.said.push({
    id: data.message, step: data.step, kind, attempt: event.attempt, version: event.version,
    started_at: event.time, text: "", is_finished: false, citations: [],
  });
}

/** Forget what an attempt left unfinished: running steps, and all that was said in them. */
function discard(task) {
  const running = new Set();
  for (const step of task.steps) if (step.state === "running") running.add(step.id);
  if (!running.size) return;
  task.steps = task.steps.filter((step) => !running.has(step.id));
  task.said = task.said.filter((said) => !running.has(said.step));
}

function end(task, event, state) {
  task.state = state;
  task.ended_at = event.time;
  for (const step of task.steps) {
    if (step.state !== "running") continue;
    step.state = "stopped";
    step.ended_at = event.time;
  }
  endAttempt(task, event, state, task.code, task.reason);
}

function endAttempt(task, event, outcome, code = null, reason = null) {
  const attempt = task.attempts.at(-1);
  if (!attempt || attempt.ended_at !== null) return;
  Object.assign(attempt, { ended_at: event.time, outcome, code, reason });
}

function last(items, id) {
  for (let index = items.length - 1; index >= 0; index--) {
    if (items[index].id === id) return items[index];
  }
  return undefined;
}

/** Usage as the log writes it: zeros are left out. */
function tokens(usage, before = {}) {
  const sum = {};
  for (const kind of USAGE) {
    const count = (before?.[kind] ?? 0) + (usage?.[kind] ?? 0);
    if (count) sum[kind] = count;
  }
  return sum;
}

function message({ role, parts }) {
  return { role, parts: parts.map(({ text }) => ({ type: "text", text })) };
}

function citation({ n, collection, document, title, chunk, quote, score, location }) {
  const cited = { n, collection, document, title, chunk, quote };
  if (score !== undefined) cited.score = score; // msgspec leaves out only a default nobody wrote
  if (location) cited.location = location;
  return cited;
}
