import { useEffect, useState } from "react";
import type { components } from "../client/openapi.ts";
import { Button } from "../components/Button.tsx";
import { texts } from "../texts.ts";
import { ROOT } from "./routes.ts";

type Caller = components["schemas"]["Caller"];

const SESSION = `${ROOT}v1/access/session`;

/** Who is signed in, and the way out. Nothing on a server where nobody signs in, or while that is not known. */
export function Account() {
  const user = useUser();
  if (user === null) return null;
  const signOut = async () => {
    await fetch(SESSION, { method: "DELETE" }).catch(() => undefined);
    window.location.assign(ROOT);
  };
  return (
    <span className="account">
      <span title={texts.account.signedIn(user)}>{user}</span>
      <Button kind="quiet" onClick={() => void signOut()}>
        {texts.account.signOut}
      </Button>
    </span>
  );
}

/** The name of the user, if the server knows users and one is signed in. */
function useUser(): string | null {
  const [user, setUser] = useState<string | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    fetch(SESSION, { signal: abort.signal })
      .then((response) => response.json())
      .then((caller: Caller) => setUser(caller.mode === "required" ? caller.user : null))
      .catch(() => undefined); // unreachable, which the page shows elsewhere
    return () => abort.abort();
  }, []);
  return user;
}

/** What somebody sees who is not signed in, or not any more. */
export function SignIn() {
  const text = texts.signIn;
  return (
    <div className="nothing">
      <h1>{text.title}</h1>
      <p>{text.body}</p>
      <p>
        <code>{text.command}</code>
      </p>
    </div>
  );
}
