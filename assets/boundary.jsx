// What stands in the place of a page that could not be drawn: what happened, and the one thing that
// helps. It is part of the frame, so it asks nothing and uses no other live part.

import { Component } from "react";

/** Around everything. */
export class Boundary extends Component {
  state = { problem: null };

  static getDerivedStateFromError(problem) {
    return { problem };
  }

  render() {
    const { problem } = this.state;
    if (!problem) return this.props.children;
    return (
      <main id="main" className="nowhere" role="alert">
        <h1>This page could not be drawn</h1>
        <p className="quiet">A file of it did not come, or it has a mistake. Nothing you started is lost: tasks go on without it.</p>
        <pre className="cmd">{`${problem?.name ?? "Error"}: ${problem?.message ?? problem}`}</pre>
        <button type="button" className="btn" onClick={() => location.reload()}>Reload</button>
      </main>
    );
  }
}
