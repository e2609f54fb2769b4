// What a page keeps in its address: filters, what is selected, which view.

import { useCallback } from "react";
import { useSearchParams } from "react-router";

/** The address's search, and `change({ name: value })`; nothing, "" or false takes a name away.
 *
 * A change starts from the address as it is, not as it was drawn last: two quick ones add up. */
export function useAddress() {
  const [search, setSearch] = useSearchParams();
  const change = useCallback((changes, { replace = false } = {}) => {
    const next = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) value || value === 0 ? next.set(name, value) : next.delete(name);
    setSearch(next, { replace });
  }, [setSearch]);
  return [search, change];
}
