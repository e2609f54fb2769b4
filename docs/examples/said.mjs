// What the agent has said of a task so far, out of its events; what no longer holds is forgotten.
export class Said {
  messages = new Map();
  running = new Set(); // steps

  /** Takes the next event in; answers whether the task is over. */
  add({ type, data }) {
    const message = this.messages.get(data.message);
    if (type === "message.started") this.messages.set(data.message, { step: data.step, text: "" });
    if (type === "message.delta" && message) message.text += data.text;
    if (type === "message.finished" && message) Object.assign(message, { text: data.text, whole: true });
    if (type === "step.started") this.running.add(data.step);
    if (type === "step.finished" || type === "step.failed") this.running.delete(data.step);
    if (type === "step.failed") this.forget(({ step, whole }) => step === data.step && !whole);
    // A worker died or left: what was said in the steps it was at is void, and will be said anew.
    if (/^(attempt\.started|attempt\.failed|task\.handed_back)$/.test(type)) {
      this.forget(({ step }) => this.running.has(step));
      this.running.clear();
    }
    return /^task\.(completed|failed|canceled|rejected)$/.test(type);
  }

  forget(isVoid) {
    for (const [id, message] of this.messages) if (isVoid(message)) this.messages.delete(id);
  }

  get text() {
    return [...this.messages.values()].map(({ text }) => text).filter(Boolean).join("\n\n");
  }
}
