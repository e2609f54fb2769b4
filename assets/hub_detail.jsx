// One channel or one connection of the hub: where it stands, who is in it, what came last; and the
// way to disconnect somebody, which asks first. Both stay when what they show has gone, and say so.

import { useEffect, useRef, useState } from "react";

import { send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useChannel, useClient } from "$/public/hub_data.js";
import { bytes, transport } from "$/public/hub_words.js";
import { Ago, Copy, Dialog, Icon, useNow } from "$/public/parts.jsx";

/** A channel: its position, its subscribers, its last publications. */
export function ChannelDetail({ name, onSelect }) {
  const { value, problem, retry } = useChannel(name);
  const now = useNow(1000);
  return (
    <Detail title="Channel" name={name} onClose={() => onSelect({})} problem={problem} onRetry={retry} isRead={Boolean(value)}>
      {value && (
        <>
          <dl className="facts-list">
            <div><dt>Kept in</dt><dd><span className="tag">{value.kept}</span></dd></div>
            <div><dt>Offset</dt><dd className="num">{value.kept === "nothing" ? "–" : format.count(value.offset)}</dd></div>
            {value.epoch && <div><dt>Epoch</dt><dd className="mono">{value.epoch}</dd></div>}
            <div><dt>Subscribers</dt><dd className="num">{format.count(value.total)}</dd></div>
          </dl>
          <h3>Last publications</h3>
          {!value.last.length && <p className="quiet-face">{value.kept === "nothing" ? "Nothing is kept in this namespace." : "Nothing has been published, or it is no longer kept."}</p>}
          <ol className="lasts">{value.last.map((one) => (
            <li key={one.offset}><details><summary><b className="num">{format.count(one.offset)}</b><span className="mono clip">{one.data}</span><span className="num meta">{one.time ? <Ago time={one.time} now={now} /> : bytes(one.bytes)}</span></summary><pre tabIndex={0} aria-label={`Publication ${one.offset}`}>{one.data}{one.data.length < one.bytes && one.data.length >= 2000 ? " …" : ""}</pre></details></li>
          ))}</ol>
          <h3>Subscribers</h3>
          {!value.total && <p className="quiet-face">Nobody is in it now.</p>}
          <ul className="whos">{value.subscribers.slice(0, 20).map((one) => (
            <li key={one.client}><button type="button" className="link mono" title={one.client} onClick={() => onSelect({ client: one.client })}>{format.shortId(one.client)}</button><span className="clip quiet">{one.user}</span><span className="num meta">{transport(one.transport)}</span></li>
          ))}</ul>
          {value.total > Math.min(20, value.subscribers.length) && <p className="meta pad">{format.count(value.total - Math.min(20, value.subscribers.length))} more, streams of events among them.</p>}
        </>
      )}
    </Detail>
  );
}

/** A connection: whose, since when, what waits for it, where it is. */
export function ClientDetail({ id, hub, onSelect }) {
  const { value, problem, retry } = useClient(id);
  const [last, setLast] = useState(null);
  const [isAsking, ask] = useState(false);
  const found = value?.items[0] ?? null;
  if (found && found !== last) setLast(found);
  const client = found ?? last;
  const process = hub.processes.find((one) => one.id === client?.hub);
  return (
    <Detail title="Connection" name={id} onClose={() => onSelect({})} problem={problem} onRetry={retry} isRead={Boolean(value)}>
      {value && !found && <p className="quiet-face" role="status">It is not connected {last ? "any more" : "now"}. A client that comes back has another id.</p>}
      {client && (
        <>
          <dl className="facts-list">
            <div><dt>User</dt><dd>{client.user || "nobody in particular"}</dd></div>
            <div><dt>Process</dt><dd className="mono">{process?.name ?? client.hub}</dd></div>
            <div><dt>By</dt><dd>{transport(client.transport)}, {client.protocol === "json" ? "JSON" : "Protobuf"}</dd></div>
            <div><dt>Here for</dt><dd className="num">{format.duration(client.seconds)}</dd></div>
            <div><dt>Queued</dt><dd className="num">{bytes(client.queued_bytes)}</dd></div>
          </dl>
          <h3>Channels <span className="meta num">{format.count(client.subscriptions)}</span></h3>
          {!client.channels.length && <p className="quiet-face">It is in none.</p>}
          <ul className="whos">{client.channels.map((name) => (
            <li key={name}><button type="button" className="link mono clip" title={name} onClick={() => onSelect({ channel: name })}>{name}</button></li>
          ))}</ul>
          {client.subscriptions > client.channels.length && <p className="meta pad">{format.count(client.subscriptions - client.channels.length)} more.</p>}
          {found && <footer className="pad row"><button type="button" className="btn danger" onClick={() => ask(true)}>Disconnect</button></footer>}
        </>
      )}
      {isAsking && client && <Disconnect client={client} onClose={() => ask(false)} onDone={() => { ask(false); retry(); }} />}
    </Detail>
  );
}

function Detail({ title, name, onClose, problem, onRetry, isRead, children }) {
  const place = useRef(null);
  useEffect(() => { // of the page alone: scrollIntoView would move the frame around it too
    const page = place.current.closest(".content");
    const below = place.current.getBoundingClientRect().top - page.getBoundingClientRect().top;
    if (matchMedia("(max-width: 1180px)").matches || below < 0) page.scrollTop += below - 12;
  }, []);
  return (
    <section ref={place} className="panel detail" aria-label={`${title} ${name}`}>
      <header><h2>{title}</h2><span className="mono clip meta" title={name}>{name}</span><Copy text={name} label={`Copy the ${title === "Channel" ? "name" : "id"}`} /><span className="grow" />
        <button type="button" className="btn ghost icon small" aria-label="Close" onClick={onClose}><Icon name="close" size={14} /></button></header>
      {problem && <p className="error pad" role="alert"><Icon name="warning" size={14} />{problem.message} <button type="button" className="btn small" onClick={onRetry}>Retry</button></p>}
      {!isRead && !problem && <div className="sk-stack" aria-hidden="true"><span className="sk sk-w60" /><span className="sk sk-w40" /><span className="sk sk-w50" /></div>}
      {children}
    </section>
  );
}

/** Asks, and says what came of it where it did not work. */
function Disconnect({ client, onClose, onDone }) {
  const [comesBack, setComesBack] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const close = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const done = await send("POST", "/hub/disconnect", { client: client.client, is_final: !comesBack });
      if (!done.closed && !done.is_whole) throw new Error("Its hub did not answer; it may still be connected.");
      onDone();
    } catch (failure) {
      setProblem(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Disconnect ${client.user || format.shortId(client.client)}?`} onClose={onClose}>
      <div className="dialog-body">
        <p>Its socket is closed now. What it misses is kept wherever its channels keep something.</p>
        <label className="row"><input type="checkbox" checked={comesBack} onChange={(event) => setComesBack(event.target.checked)} /><span>It may come back at once, and goes on where it was</span></label>
        {!comesBack && <p className="meta">It is told not to come back by itself; it is not locked out.</p>}
        {problem && <p className="error" role="alert"><Icon name="warning" size={14} />{problem.message}</p>}
      </div>
      <footer><button type="button" className="btn" onClick={onClose}>Keep it</button><button type="button" className="btn danger" disabled={isBusy} onClick={close}>{isBusy ? "Closing" : "Disconnect"}</button></footer>
    </Dialog>
  );
}
