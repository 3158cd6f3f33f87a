import { useState } from "react";
import { useDraft } from "../components/NewDownload.tsx";
import type { JobFilter } from "../hooks/index.ts";
import { texts } from "../texts.ts";
import { Downloads } from "./Downloads.tsx";
import { Header } from "./Header.tsx";
import { useResume } from "./resume.ts";
import { SignIn } from "./SignIn.tsx";
import { useSession } from "./session.ts";
import { useTabStatus } from "./tabStatus.ts";

/** What was entered outlives a session; what was loaded with it does not. */
export function Page() {
  const session = useSession();
  const [filter, setFilter] = useState<JobFilter>({});
  const draft = useDraft();
  useResume(session, filter, setFilter, draft);
  return (
    <>
      <a className="skip" href="#content">
        {texts.skip}
      </a>
      {session.isSignedOut ? (
        <SignedOut {...session} />
      ) : (
        <Downloads key={session.generation} session={session} draft={draft} filter={filter} onFilter={setFilter} />
      )}
    </>
  );
}

function SignedOut(session: Parameters<typeof SignIn>[0]) {
  useTabStatus({ title: `${texts.signIn.title} · ${texts.name}`, percent: null });
  return (
    <>
      <Header session={session} />
      <main id="content" tabIndex={-1}>
        <SignIn {...session} />
      </main>
    </>
  );
}
