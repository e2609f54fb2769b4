// Stands for `@emotion/react` in the built site: no page has a style of its own, so an element is an
// element. The build fails when one has.

export { createElement as jsx } from "react";
