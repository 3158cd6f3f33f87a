export function Page() {
  return <h1>Haulage</h1>;
}
