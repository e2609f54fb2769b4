// A spec as a plain object: what of it says something, and changing a part. Pure.

/** What of a spec is worth writing: defaults that are nothing are left out. */
export function meaningful(spec) {
  return Object.fromEntries(Object.entries(spec).filter(([name, value]) => name === "name"
    || (value !== null && value !== undefined && value !== "" && !(Array.isArray(value) && !value.length))));
}

/** The spec with one field changed. */
export function changed(spec, [name, ...rest], value) {
  const inner = rest.length ? changed(spec[name] ?? {}, rest, value) : value;
  const { [name]: _, ...others } = spec;
  if (inner === undefined) return others;
  return Object.hasOwn(spec, name) ? { ...spec, [name]: inner } : { ...others, [name]: inner };
}
