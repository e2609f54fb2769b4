// The raw events of one task, a window at a time: pages of 200 versions read on demand with
// `before`, the newest ones added as they come, the least used forgotten. Memory is bounded
// whatever the length of the stream.

import { read } from "$/public/api.js";

const PAGE = 200; // versions
const KEPT = 24; // pages

/** Events of a task by version, of pages that are at hand. */
export class EventPages {
  constructor(id, onChange) {
    this.id = id;
    this.onChange = onChange;
    this.pages = new Map(); // number -> {events: Map, isWhole}; the most recently used is last
    this.asked = new Set();
    this.problem = null;
    this.isClosed = false;
  }

  /** The event, null where the log keeps none (a compacted delta), undefined where not yet read. */
  at(version) {
    const number = Math.floor((version - 1) / PAGE);
    const page = this.pages.get(number);
    if (!page) return undefined;
    return page.events.get(version) ?? (page.top >= version ? null : undefined);
  }

  /** Have the versions from `first` to `last` read, where they are not at hand. */
  want(first, last, head) {
    for (let number = Math.floor((first - 1) / PAGE); number <= Math.floor((last - 1) / PAGE); number++) {
      const page = this.pages.get(number);
      const end = Math.min((number + 1) * PAGE, head);
      if (page) this.touch(number, page);
      if (!page || page.top < Math.min(last, end)) this.load(number, end);
    }
  }

  /** A new event of the stream; kept where its page is at hand up to it. */
  add(event) {
    const number = Math.floor((event.version - 1) / PAGE);
    let page = this.pages.get(number);
    if (!page && (event.version - 1) % PAGE === 0) {
      page = { events: new Map(), top: event.version - 1 };
      this.touch(number, page);
    }
    if (page && page.top === event.version - 1) {
      page.events.set(event.version, event);
      page.top = event.version;
    }
  }

  async load(number, end) {
    if (this.asked.has(number) || this.asked.size > 3) return;
    this.asked.add(number);
    try {
      const { events } = await read(`/tasks/${this.id}/events?before=${end + 1}&limit=${end - number * PAGE}`);
      const page = this.pages.get(number) ?? { events: new Map(), top: 0 };
      for (const event of events) if (event.version > number * PAGE) page.events.set(event.version, event);
      page.top = Math.max(page.top, end);
      this.touch(number, page);
      this.problem = null;
    } catch (problem) {
      this.problem = problem;
    } finally {
      this.asked.delete(number);
      if (!this.isClosed) this.onChange();
    }
  }

  touch(number, page) {
    this.pages.delete(number);
    this.pages.set(number, page);
    while (this.pages.size > KEPT) this.pages.delete(this.pages.keys().next().value);
  }
}
