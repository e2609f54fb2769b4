// Where models can come from, what is missing, and whether one answers: asked by a worker, with the
// keys tasks will meet.

import { useEffect, useState } from "react";

import { pages, read, send } from "$/public/api.js";
import * as format from "$/public/format.js";
import { useRowKeys } from "$/public/keys.js";
import { useMay, whyNot } from "$/public/may.js";
import { Copy, Failure, Icon, Panel } from "$/public/parts.jsx";

const BUILT_IN = {
  extractive: "Answers from passages, word for word; no language model",
  scripted: "Plays the script of its agent, or says what was said; for tests",
};
const EXAMPLES = { ollama: "llama3.2", vllm: "the name it was started with" };

/** The table of providers. */
export function ModelProviders() {
  const [providers, setProviders] = useState(null);
  const [problem, setProblem] = useState(null);
  const [used, setUsed] = useState([]);
  const [tries, setTries] = useState(0);
  useRowKeys(() => document.querySelectorAll(".providers button[data-row]:not(:disabled)"));
  useEffect(() => {
    const leaving = new AbortController();
    read("/models", { signal: leaving.signal })
      .then(({ items }) => { setProviders(items); setProblem(null); })
      .catch((failure) => leaving.signal.aborted || setProblem(failure));
    const look = async () => {
      for await (const agents of pages("/agents", { signal: leaving.signal })) setUsed([...new Set(agents.map((agent) => agent.model))]);
    };
    look().catch(() => {}); // any name can be typed
    return () => leaving.abort();
  }, [tries]);
  if (problem && !providers) return <Failure title="The providers could not be read" problem={problem} onRetry={() => setTries(tries + 1)} />;
  if (!providers) return <div className="panel sk-rows">{[40, 60, 50, 70, 40].map((width, index) => <div className="sk-row" key={index}><span className={`sk sk-w${width}`} /></div>)}</div>;
  const ready = providers.filter((each) => each.is_configured);
  const missing = providers.filter((each) => !each.is_configured);
  const hasLanguage = ready.some((each) => each.variable);
  return (
    <div className="stack">
      {!hasLanguage && (
        <section className="panel hint"><Icon name="k-model" className="k-model" />
          <p><b>No language model is set up yet.</b> The guide and agents that answer from documents work without one. For more, set one of the variables below where the hub and the workers start, and start them again: a key of a provider, or <code>OLLAMA_BASE_URL</code> for models on this machine.</p>
        </section>
      )}
      <Panel title="Ready" count={ready.length} tools={<span className="meta desk-only">A test asks for one word, from a worker, within 10 s</span>}>
        <ul className="providers">{ready.map((provider) => <Ready key={provider.name} provider={provider} used={used} />)}</ul>
      </Panel>
      {missing.length > 0 && (
        <Panel title="Not set" count={missing.length}>
          <ul className="providers">
            {missing.map((provider) => (
              <li key={provider.name}>
                <span className="state p-unknown"><Icon name="s-submitted" /><b className="label">{provider.name}</b></span>
                <span className="quiet needs">needs <code>{provider.variable}</code><Copy text={`export ${provider.variable}=`} label={`Copy export ${provider.variable}=`} size={12} /></span>
              </li>
            ))}
          </ul>
          <p className="meta below">Where the hub and the workers start. A key stays in their environment: it is never stored, shown or sent to this page.</p>
        </Panel>
      )}
    </div>
  );
}

function Ready({ provider, used }) {
  const isBuiltIn = provider.name in BUILT_IN;
  const known = used.filter((model) => model.startsWith(`${provider.name}:`)).map((model) => model.slice(provider.name.length + 1));
  const [typed, setTyped] = useState(null);
  const [tried, setTried] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const mayTry = useMay()("ask");
  const name = typed ?? known[0] ?? "";
  const model = isBuiltIn ? provider.name : `${provider.name}:${name.trim()}`;
  const test = async (event) => {
    event.preventDefault();
    if (isBusy || (!isBuiltIn && !name.trim())) return;
    setBusy(true);
    setTried(null);
    try {
      setTried(await send("POST", "/models/test", { model }));
    } catch (problem) {
      setTried({ model, is_answering: false, reason: problem.problems[0]?.rule ?? problem.message });
    }
    setBusy(false);
  };
  return (
    <li>
      <span className="state p-well"><Icon name="s-completed" /><b className="label">{provider.name}</b></span>
      {isBuiltIn && <span className="quiet grow">{BUILT_IN[provider.name]}</span>}
      {!isBuiltIn && <span className="quiet grow">Found in this hub’s environment</span>}
      <form className="row" onSubmit={test}>
        {!isBuiltIn && (
          <span className="field"><span className="mono">{provider.name}:</span>
            <input value={name} list={`models-${provider.name}`} aria-label={`Model of ${provider.name}`} placeholder={EXAMPLES[provider.name] ?? "name of a model"} onChange={(event) => setTyped(event.target.value)} />
            <datalist id={`models-${provider.name}`}>{known.map((each) => <option key={each} value={each} />)}</datalist>
          </span>
        )}
        <button type="submit" data-row className="btn" title={mayTry ? undefined : whyNot("ask")} disabled={!mayTry || isBusy || (!isBuiltIn && !name.trim())} aria-label={`Test ${provider.name}`}>{isBusy ? "Asking" : "Test"}</button>
      </form>
      <Result tried={tried} isBusy={isBusy} />
    </li>
  );
}

function Result({ tried, isBusy }) {
  return (
    <div className="result" role="status">
      {isBusy && <p className="meta"><i className="pulse" />A worker asks it for one word</p>}
      {tried?.is_answering && (
        <p><Icon name="s-completed" size={14} className="s-completed" />
          <span><b>{format.duration(tried.seconds)}</b>{tried.first_seconds !== null && tried.first_seconds < tried.seconds && <span className="quiet">, first words after {format.duration(tried.first_seconds)}</span>}
            <span className="quiet">, ↑{tried.input_tokens} ↓{tried.output_tokens} tokens</span>
            {tried.answer && !(tried.model in BUILT_IN) && <q>{tried.answer}</q>}</span></p>
      )}
      {tried && !tried.is_answering && <p className="bad"><Icon name="s-failed" size={14} className="s-failed" /><span>{capital(tried.reason)}</span></p>}
    </div>
  );
}

const capital = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
