// Stands for Reflex's `$/utils/state` in the built site: its socket, its events and its cookies speak
// to a backend, and there is none. What is left is the place pages put their refs.

export const refs = {};
