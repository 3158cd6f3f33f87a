import { useEffect, useRef } from "react";
import { Button } from "../components/Button.tsx";
import { texts } from "../texts.ts";
import { ROOT } from "./routes.ts";
import type { Session } from "./session.ts";

/** What somebody sees who is not signed in, or not any more: how to sign in. */
export function SignIn({ caller, hasEnded }: Session) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (hasEnded) title.current?.focus(); // what had the focus is gone
  }, [hasEnded]);
  const text = texts.signIn;
  const { provider = null, proxy = false } = caller?.signIn ?? {};
  const hasOther = provider !== null || proxy;
  return (
    <section className="card sign-in" aria-labelledby="sign-in-title">
      <h1 id="sign-in-title" ref={title} tabIndex={-1}>
        {text.title}
      </h1>
      <p>{hasEnded ? text.ended : text.body}</p>
      {provider !== null && (
        <a className="button primary" href={`${ROOT}sign-in/oidc?returnTo=${encodeURIComponent(pathBelowRoot())}`}>
          {text.with(provider)}
        </a>
      )}
      {proxy && (
        <>
          <p>{text.proxy}</p>
          <Button kind={provider === null ? "primary" : "plain"} icon="retry" onClick={() => window.location.reload()}>
            {text.reload}
          </Button>
        </>
      )}
      <details open={!hasOther}>
        <summary>{text.link}</summary>
        <p>{text.linkHint}</p>
        <p>
          <code>{text.command}</code>
        </p>
      </details>
    </section>
  );
}

/** Where the sign-in leads back to. */
function pathBelowRoot(): string {
  const { pathname } = window.location;
  return pathname.startsWith(ROOT) ? `/${pathname.slice(ROOT.length)}` : "/";
}
