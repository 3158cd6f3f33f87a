// Signs in with the secret after `#` in the URL of a one-time link, which no server log and no Referer contains.
"use strict";

const { api, home } = document.currentScript.dataset;

async function signIn() {
  const message = document.getElementById("message");
  const link = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  if (!link) {
    message.textContent = "Open the one-time link that `haulage users signin NAME` prints.";
    return;
  }
  try {
    const response = await fetch(api, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ link }),
    });
    if (response.ok) {
      location.replace(home);
      return;
    }
    message.textContent = (await response.json()).message;
  } catch {
    message.textContent = "The server can't be reached. Reload the link to try again.";
  }
}

signIn();
