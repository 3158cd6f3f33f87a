// The least page that uploads files with the built library. Each upload is a row, and `manager` is global for tests.
import { Client } from "./client.js";
import { UploadManager } from "./uploads.js";

const manager = new UploadManager({ client: new Client() });
window.manager = manager;
manager.subscribe(() => {
  const rows = manager.snapshot().items.map((item) => {
    const row = document.createElement("li");
    row.dataset.state = item.state;
    row.dataset.changed = String(item.changed ?? false);
    row.dataset.fileId = String(item.fileId ?? "");
    row.textContent = `${item.name}: ${item.state}, ${item.bytesSent} of ${item.size}. ${item.problem?.message ?? ""}`;
    return row;
  });
  document.querySelector("ul").replaceChildren(...rows);
});

document.querySelector("#add").onchange = ({ target }) =>
  manager.add([...target.files].map((file) => ({ file, name: file.name })));
document.querySelector("#pick").onchange = ({ target }) => {
  const item = manager.snapshot().items.find(({ state }) => state === "needs-file");
  void manager.pick(item.key, target.files[0]);
};
