// The form, quicker: the next pair is there before it is asked for, keys choose, and a vote outlives a lost connection.
//
// What a person does is put into an outbox in this browser first and sent from there, in order. Every step may be sent twice:
// the service takes the same vote, or the same undo, once. So nothing is lost and nothing counts double.
//
// Texts are untrusted, whoever wrote them: they reach the page as textContent only.

const form = document.getElementById("form");
const pairForm = document.getElementById("pair");
const undoForm = document.getElementById("undo");
const comment = document.getElementById("comment");
const nothing = document.getElementById("nothing");
const history = document.getElementById("history");
const annotator = form.dataset.annotator;

const RETRY_FIRST = 1_000; // milliseconds
const RETRY_LAST = 15_000;
const LOOK_AGAIN = 3_000;
const PATIENCE = 10_000; // until a call that nobody answers counts as lost

// Words and numbers on the page

const words = new Map(
  [...document.getElementById("texts").content.children].map((p) => [p.dataset.text, p.textContent]),
);

function say(text) {
  document.getElementById("status").textContent = text;
}

function warn(text) {
  const alert = document.getElementById("alert");
  alert.hidden = !text;
  alert.textContent = text ?? "";
}

let lost = false; // whether the last call did not come through

function lose(reason) {
  lost = true;
  warn(words.get(reason));
}

/**
 * The service's answer as {status, body}; nothing, and the reason on the page, where the same must be asked again later. What is
 * not JSON comes from somebody between.
 */
async function call(path, options) {
  try {
    const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(PATIENCE) });
    const { status } = answer;
    if (status !== 401 && status !== 429 && status < 500) return { status, body: JSON.parse((await answer.text()) || null) };
    lose(status === 401 ? "signInAgain" : status === 429 ? "tooFast" : "lost");
  } catch {
    lose("lost");
  }
  return null;
}

function regain() {
  if (!lost || unsent().length > 0) return;
  lost = false;
  warn(null);
  say(words.get("back"));
}

// The outbox: steps {key, annotator, comparison} with a ballot, or with undo: true; oldest first

const OUTBOX = "bardstream.outbox";
let inMemory = null; // the outbox where the browser keeps nothing

function unsent() {
  if (inMemory) return inMemory;
  try {
    return JSON.parse(localStorage.getItem(OUTBOX)) ?? [];
  } catch {
    return [];
  }
}

function keep(steps) {
  try {
    localStorage.setItem(OUTBOX, JSON.stringify(steps));
  } catch {
    inMemory = steps; // It lasts as long as the page does.
  }
  const shown = document.getElementById("unsent");
  shown.hidden = steps.length === 0;
  shown.querySelector("b").textContent = steps.length;
}

function post(step) {
  keep([...unsent(), { key: `${Date.now()} ${Math.random()}`, annotator, ...step }]);
  send();
}

let sending = false;
let more = false;
let retryIn = RETRY_FIRST;
let retry;

/** Sends what is in the outbox, one step after the other; of all tabs of this browser one at a time does. */
async function send() {
  more = true;
  if (sending) return;
  sending = true;
  try {
    while (more) {
      more = false;
      clearTimeout(retry);
      await (navigator.locks ? navigator.locks.request(OUTBOX, sendAll) : sendAll());
    }
  } finally {
    sending = false;
  }
}

async function sendAll() {
  const found = unsent().length;
  for (let [step] = unsent(); step; [step] = unsent()) {
    const answer = await attempt(step);
    if (!answer) {
      retry = setTimeout(send, retryIn);
      retryIn = Math.min(2 * retryIn, RETRY_LAST);
      return;
    }
    keep(unsent().filter(({ key }) => key !== step.key));
    arrived(step, answer);
  }
  retryIn = RETRY_FIRST;
  regain();
  if (found > 0) await showProgress();
}

function attempt(step) {
  const path = `/v1/comparisons/${encodeURIComponent(step.comparison)}/vote`;
  return step.undo
    ? call(`${path}?annotator=${encodeURIComponent(step.annotator)}`, { method: "DELETE" })
    : call(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ annotator: step.annotator, ...step.ballot }),
      });
}

function arrived(step, { status, body }) {
  if (status >= 400) {
    warn(`${words.get("refused")} ${body?.error?.message ?? status}`);
  } else if (step.undo && awaited === step.comparison) {
    awaited = null;
    ahead = current ?? ahead;
    show(body);
  }
}

async function showProgress() {
  const answer = await call(`/v1/annotators/${encodeURIComponent(annotator)}`);
  if (answer?.status !== 200) return; // The numbers stay as they are until the next step has arrived.
  for (const id of ["judged", "today"]) document.getElementById(id).textContent = answer.body[id];
}

// Pairs

let current = pairForm.hidden ? null : onPage();
let ahead = null; // the next pair, fetched already
let fetching = false;
let awaited = null; // a comparison whose vote was taken back and whose texts are still to come
const judged = []; // {pair, ballot}: what was judged since the page was loaded

function onPage() {
  const text = (id) => document.getElementById(id).textContent;
  return { id: pairForm.elements.comparison.value, prompt: text("prompt"), a: text("a"), b: text("b") };
}

function show(pair) {
  current = pair;
  pairForm.hidden = !pair;
  nothing.hidden = Boolean(pair);
  if (pair) {
    pairForm.elements.comparison.value = pair.id;
    for (const part of ["prompt", "a", "b"]) document.getElementById(part).textContent = pair[part];
    comment.value = "";
    pairForm.classList.remove("fresh");
    void pairForm.offsetWidth; // so that the animation begins anew
    pairForm.classList.add("fresh");
    scrollTo({ top: 0 });
  }
  (pair ? pairForm : nothing).querySelector("h2").focus({ preventScroll: true });
}

/** Whether there is a vote on a comparison that the service does not know of. */
function isJudged(id) {
  const step = unsent().findLast((step) => step.comparison === id && step.annotator === annotator);
  return Boolean(step && !step.undo);
}

/** Fetches the pair after the one that is shown, and shows it where none is. */
async function fetchAhead() {
  if (ahead || fetching) return;
  fetching = true;
  const pair = await fetchNext();
  fetching = false;
  if (ahead) return; // An undo has put one there meanwhile.
  if (pair && pair.id !== current?.id && !isJudged(pair.id)) {
    ahead = pair;
    if (!current) next();
  } else {
    setTimeout(fetchAhead, LOOK_AGAIN);
  }
}

async function fetchNext() {
  const except = [current?.id, ...unsent().map((step) => step.comparison)].filter(Boolean);
  const query = new URLSearchParams([["annotator", annotator], ...except.map((id) => ["except", id])]);
  const answer = await call(`/v1/comparisons/next?${query}`);
  if (!answer) return null;
  regain();
  return answer.status === 200 ? answer.body : null;
}

function next() {
  const pair = ahead;
  ahead = null;
  show(pair);
  fetchAhead();
}

// What a person does

function choose(choice) {
  if (!current) return;
  if (!lost) warn(null);
  const ballot = { choice, comment: comment.value.trim() || null };
  judged.push({ pair: current, ballot });
  remember(current, choice);
  post({ comparison: current.id, ballot });
  next();
  say(words.get(`saved ${choice}`));
}

/** Takes the vote on a comparison back and shows the pair again: at once where it is known here, else when it has come. */
function undo(comparison) {
  const entry = history.querySelector(`input[value="${CSS.escape(comparison)}"]`)?.closest("li");
  if (!entry) return;
  entry.remove();
  showNewest();
  const index = judged.findIndex(({ pair }) => pair.id === comparison);
  const [known] = index < 0 ? [] : judged.splice(index, 1);
  post({ comparison, undo: true });
  if (known) {
    ahead = current ?? ahead;
    show(known.pair);
    comment.value = known.ballot.comment ?? "";
  } else {
    awaited = comparison;
  }
  say(words.get("undone"));
}

function remember(pair, choice) {
  const entry = document.getElementById("past").content.cloneNode(true).firstElementChild;
  entry.querySelector("input").value = pair.id;
  entry.querySelector("b").textContent = words.get(choice);
  entry.querySelector("bdi").textContent = pair.prompt;
  history.prepend(entry);
  showNewest();
}

/** Undo is about the newest vote in the history. */
function showNewest() {
  const newest = history.querySelector("input");
  undoForm.elements.comparison.value = newest?.value ?? "";
  document.querySelector("button[form=undo]").disabled = !newest;
  document.getElementById("history-empty").hidden = Boolean(newest);
}

form.addEventListener("submit", (event) => {
  if (event.target === pairForm) {
    event.preventDefault();
    choose(event.submitter.value);
  } else if (event.target.getAttribute("action") === "/undo") {
    event.preventDefault();
    undo(event.target.elements.comparison.value);
  }
});

// The second click of a double click would fall on the next pair, which nobody has read yet.
form.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest("button")) event.preventDefault();
});

// Keys

const KEYS = "bardstream.keys";
const keys = document.querySelector("#keys input");
let useKeys = true;
try {
  useKeys = localStorage.getItem(KEYS) !== "off";
} catch {
  // They are on where the browser remembers nothing.
}

function applyKeys() {
  keys.checked = useKeys;
  form.classList.toggle("with-keys", useKeys);
  for (const button of form.querySelectorAll("button[data-key]")) {
    if (useKeys) button.setAttribute("aria-keyshortcuts", button.dataset.key);
    else button.removeAttribute("aria-keyshortcuts");
  }
}

keys.addEventListener("change", () => {
  useKeys = keys.checked;
  try {
    localStorage.setItem(KEYS, useKeys ? "on" : "off");
  } catch {
    // It holds as long as the page does.
  }
  applyKeys();
});

document.addEventListener("keydown", (event) => {
  const modified = event.ctrlKey || event.altKey || event.metaKey;
  const typing = event.target.closest?.("textarea, select, input:not([type=checkbox]), [contenteditable]");
  if (!useKeys || modified || event.repeat || event.isComposing || typing) return;
  const key = CSS.escape(event.key.toLowerCase());
  const button = form.querySelector(`button[data-key="${key}"]:not(:disabled)`);
  if (!button || (button.form === pairForm && pairForm.hidden)) return;
  event.preventDefault();
  button.click();
});

document.getElementById("keys").hidden = false;
applyKeys();

// Begin: what an earlier visit has left goes first, and its pairs are not asked about again.

addEventListener("online", send);
keep(unsent());
send();
if (current && isJudged(current.id)) next();
else fetchAhead();
