import { Icon } from "../components/Icon.tsx";
import { texts } from "../texts.ts";
import { navigateOnClick, ROOT } from "./routes.ts";

/** Leads from a view to the list of jobs. */
export function BackLink() {
  return (
    <p>
      <a className="back" href={ROOT} onClick={navigateOnClick}>
        <Icon name="back" />
        {texts.jobs.back}
      </a>
    </p>
  );
}
