// Starts downloads and follows them, without React and without a bundler.
// client.js and client-shared.js are built by `npm run library` in frontend/, into frontend/dist/.
import { Client } from "./client.js";

// The page's own origin, unless the URL names another server: index.html?server=https://downloads.example
const baseUrl = new URLSearchParams(location.search).get("server") ?? location.origin;
const client = new Client({ baseUrl });

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const ids = new FormData(event.target).get("ids").split(/\D+/).filter(Boolean).map(Number);
  const outcome = await client.start({ file_ids: ids, archiveName: "my files" });
  // Problems are values: nothing throws.
  document.getElementById("problem").textContent = outcome.ok ? "" : outcome.problem.message;
  if (outcome.ok) client.follow(outcome.value.jobId); // until the job ends
});

client.subscribe(() => {
  const { connection, jobs } = client.getState();
  document.getElementById("connection").textContent = connection;
  document.getElementById("jobs").replaceChildren(...[...jobs.values()].map(item));
});

function item({ jobId, title, archiveName, status, percent, problem }) {
  const row = document.createElement("li");
  row.dataset.status = status;
  row.append(`${title ?? archiveName}: ${problem?.message ?? status} `);
  if (status === "completed") {
    const link = document.createElement("a");
    link.href = client.fileUrl(jobId);
    link.textContent = "Save";
    row.append(link);
  } else if (status === "processing") {
    const bar = document.createElement("progress");
    bar.max = 100;
    if (percent !== null) bar.value = percent;
    row.append(bar);
  }
  return row;
}
