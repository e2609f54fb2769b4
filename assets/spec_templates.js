// Where a new agent may start from. The first two answer without a network and without a key; the
// others need a language model, and say which variable is missing here.

const LIMITS = { steps: 20, tokens: 200_000, seconds: 300, money: 1 };

/** `model` is missing where any language model does: the first provider that is set up is taken. */
export const TEMPLATES = [
  {
    key: "researcher", icon: "knowledge", title: "Researcher without a language model",
    about: "Finds passages in your collections and answers with their own sentences and sources. Needs no key and no network.",
    spec: {
      description: "Answers from documents, with their own sentences.",
      model: "extractive", strategy: "react", tools: ["knowledge_search"], limits: LIMITS,
    },
    takesCollections: true,
  },
  {
    key: "rehearsal", icon: "play", title: "Rehearsal",
    about: "Plays the turns you write, at the pace you say. For trying what pages, programs and people do with an agent’s answers. Needs no key and no network.",
    spec: {
      description: "Plays its script.", model: "scripted", strategy: "react", tools: ["calculator"], limits: LIMITS,
      script: [
        { tool: "calculator", arguments: { expression: "19 * 23" } },
        { text: "That is **437**. A script has no opinion: it says what stands in it.", deltas: 12, seconds: 1.5 },
      ],
    },
  },
  {
    key: "analyst", icon: "agents", title: "Analyst with tools",
    about: "A language model that thinks, searches your documents, reckons exactly and knows the date. Any OpenAI-compatible server does: Ollama, vLLM, LM Studio.",
    spec: {
      description: "Answers from documents, and reckons.",
      instructions: "Answer from the passages you find, and cite each as [n] right after what it supports.\nReckon with the calculator, never in your head.\nWhen the documents do not answer, say so and say what is missing.\n",
      strategy: "react", tools: ["knowledge_search", "calculator", "clock"], limits: LIMITS,
    },
    takesCollections: true,
  },
  {
    key: "writer", icon: "ask", title: "Writer",
    about: "A language model asked once, without tools: it rewrites, translates, sums up what it is given.",
    spec: {
      description: "Rewrites a text so that it is short and plain.",
      instructions: "Rewrite the text you are given: short sentences, plain words, nothing added, nothing lost.\nAnswer with the rewritten text alone.\n",
      strategy: "direct", temperature: 0.3, limits: { ...LIMITS, steps: 3, seconds: 120 },
    },
  },
  {
    key: "blank", icon: "file", title: "Empty", about: "A name and a model; the rest is yours.",
    spec: { model: "extractive", strategy: "react", limits: LIMITS },
  },
];

const EXAMPLES = { // a name to begin with; the server's own names are what counts
  openai: "gpt-5-mini", anthropic: "claude-sonnet-4-5", google: "gemini-2.5-flash", ollama: "llama3.2", vllm: "served-model",
};

/** The template's spec as it can be here: `providers` of GET /models, names of collections. */
export function fromTemplate(template, { providers, collections }) {
  const spec = { name: "", ...template.spec };
  if (!spec.model) {
    const ready = providers.find((each) => each.is_configured && each.variable);
    const name = ready?.name ?? "openai";
    spec.model = `${name}:${EXAMPLES[name] ?? "model"}`;
  }
  if (template.takesCollections && collections.length) spec.collections = collections.slice(0, 1);
  const { name, description, model, ...rest } = spec;
  return { name, description: description ?? "", model, ...rest };
}

/** What a template needs and this factory lacks, in a sentence; null: nothing. */
export function lacks(template, providers) {
  if (template.spec.model) return null;
  const outside = providers.filter((each) => each.variable);
  if (!outside.length || outside.some((each) => each.is_configured)) return null;
  return "No language model is set up here: set OPENAI_API_KEY, and OPENAI_BASE_URL for a server of your own.";
}
