import { texts } from "../texts.ts";
import { Button } from "./Button.tsx";
import { Notice } from "./Notice.tsx";

/** A script of the page could not be loaded: most likely the server has been updated, and has another one. */
export function NotLoaded() {
  return (
    <Notice
      tone="bad"
      title={texts.problem.action.view}
      actions={
        <Button icon="retry" onClick={() => window.location.reload()}>
          {texts.signIn.reload}
        </Button>
      }
      alert
    >
      <p>{texts.problem.advice.unexpected_response}</p>
    </Notice>
  );
}
