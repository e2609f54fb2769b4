// One task, followed: the folded state from REST, then every event after it from the socket, folded
// in by task.js. Drawing is asked for at most once a frame, whatever the rate of events.

import { read } from "$/public/api.js";
import { isFinal } from "$/public/format.js";
import { watch } from "$/public/live.js";
import { advance } from "$/public/task.js";

const RETRY_MS = 2_000;

/** Follows a task until `close`; `task` is changed in place, `revision` counts the drawings. */
export class TaskWatch {
  constructor(id, { isFollowedToo = true } = {}) {
    this.id = id;
    this.isFollowedToo = isFollowedToo; // a task that is over: others see it as it is, without a subscription
    this.task = null;
    this.problem = null;
    this.revision = 0;
    this.skew = null; // milliseconds this clock is ahead of the log's, at most
    this.rates = []; // [time, version] of the last seconds
    this.readers = new Set();
    this.eventReaders = new Set();
    this.frame = null;
    this.stop = () => {};
    this.isClosed = false;
    this.subscribe = (reader) => {
      this.readers.add(reader);
      return () => this.readers.delete(reader);
    };
    this.snapshot = () => this.revision;
  }

  /** Read the state at the head, then follow from its version. Again after a gap. */
  async open() {
    this.isClosed = false;
    this.problem = null;
    try {
      const { epoch, ...task } = await read(`/tasks/${encodeURIComponent(this.id)}`);
      if (this.isClosed) return;
      this.task = task;
      this.draw();
      if (this.isFollowedToo || !isFinal(task.state)) this.follow(epoch);
    } catch (problem) {
      if (this.isClosed) return;
      this.problem = problem;
      this.draw();
      if (this.task && problem.isTemporary) setTimeout(() => this.isClosed || this.open(), RETRY_MS);
    }
  }

  follow(epoch) {
    this.stop();
    this.stop = watch(`task:${this.id}`, {
      since: { epoch, offset: this.task.version },
      onPublication: (event) => this.take(event),
      onGap: () => this.open(), // the log was replaced or cut: nothing is guessed
      onRefused: ({ reason }) => {
        this.problem = { message: `The hub ended the subscription: ${reason}.`, isTemporary: true };
        this.draw();
      },
    });
  }

  take(event) {
    advance(this.task, event);
    const ahead = Date.now() - Date.parse(event.time);
    this.skew = this.skew === null ? ahead : Math.min(this.skew, ahead);
    for (const reader of this.eventReaders) reader(event);
    this.draw();
  }

  draw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.revision += 1;
      for (const reader of this.readers) reader();
    });
  }

  /** Now, on the clock of the log as far as we can know it. */
  now() {
    return Date.now() - Math.max(0, this.skew ?? 0);
  }

  close() {
    this.isClosed = true;
    this.stop();
    cancelAnimationFrame(this.frame);
    this.frame = null;
  }
}

/** What the answer may cite: the citations of messages, and passages of searches that are done. */
export function sources(task) {
  const found = new Map();
  for (const step of task.steps) {
    for (const passage of step.result?.passages ?? []) {
      if (typeof passage?.n !== "number") continue;
      found.set(passage.n, {
        n: passage.n, title: passage.title ?? passage.document, quote: passage.text ?? "",
        location: passage.location ?? "", collection: passage.collection ?? "", score: passage.score,
      });
    }
  }
  for (const said of task.said) for (const citation of said.citations) found.set(citation.n, citation);
  return found;
}
