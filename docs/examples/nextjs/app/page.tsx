import { Downloads } from "./downloads";

export default function Page() {
  return (
    <main>
      <h1>Downloads</h1>
      <Downloads fileIds={[10000, 10001, 10002]} />
    </main>
  );
}
