// Signs in with the secret after `#` in the URL of a one-time link, which no server log and no Referer contains.
// Only on a click: otherwise, whoever gets somebody to open a link signs them in as somebody else, unnoticed.
"use strict";

const { api, home } = document.currentScript.dataset;
const message = document.getElementById("message");
const button = document.getElementById("sign-in");

async function begin() {
  const link = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (!link) {
    message.textContent = "Open the one-time link that `haulage users signin NAME` prints.";
    return;
  }
  button.addEventListener("click", () => signIn(link));
  try {
    const { user } = await (await fetch(api)).json();
    message.textContent = user
      ? `You are signed in as ${user}. The link ends that, and signs you in as its user.`
      : "The link signs you in.";
  } catch {
    message.textContent = "The link signs you in.";
  }
  button.hidden = false;
}

async function signIn(link) {
  button.disabled = true;
  try {
    const response = await fetch(api, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link }),
    });
    if (response.ok) {
      new BroadcastChannel("haulage.session").postMessage(null); // other tabs, which may wait for it
      location.replace(pathBefore() ?? home);
      return;
    }
    message.textContent = (await response.json()).message;
    button.disabled = false;
    button.hidden = response.status < 429; // after 429 and 503, the link is as good as before
  } catch {
    message.textContent = "The server can't be reached. Try again.";
    button.disabled = false;
  }
}

// Where the user of this tab was when the session ended, as page/resume.ts keeps it.
function pathBefore() {
  try {
    const url = new URL(JSON.parse(sessionStorage.getItem("haulage.resume")).path, location);
    return url.origin === location.origin ? url.pathname : null;
  } catch {
    return null;
  }
}

begin();
