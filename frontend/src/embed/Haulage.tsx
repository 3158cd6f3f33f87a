// Downloads in a page of an app, with a grant that the app has signed.
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useInsertionEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { claimsOf } from "../access/claims.ts";
import { AccessClient, type AccessOptions, type TokenSource } from "../access/index.ts";
import { ClientContext } from "../hooks/index.ts";

export interface HaulageProps extends Pick<AccessOptions, "baseUrl" | "environment"> {
  /** The grant, or a function that gets the newest one from the app. Any other token does, too. */
  grant: TokenSource;
  children?: ReactNode;
}

export interface Access {
  /** The grant was refused, and so was the next one: nothing more is sent. */
  signedOut: boolean;
  /** Gets another grant, and begins again if access has ended. */
  renew(): void;
}

const AccessContext = createContext<Access | null>(null);

/**
 * Provides a client with this grant to `useDownloadManager()` and `useJob()` below. A string that changes continues, if it
 * is for the same user. A function for another user needs another `key`.
 */
export function Haulage({ grant, baseUrl, environment, children }: HaulageProps) {
  const latest = useRef({ grant, renew: () => {} });
  const [attempt, setAttempt] = useState(0);
  const [ended, setEnded] = useState<AccessClient | null>(null);
  const user = typeof grant === "string" ? userOf(grant) : null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each user and each attempt has a client of its own
  const client = useMemo(() => {
    const made: AccessClient = new AccessClient({
      token: () => (typeof latest.current.grant === "function" ? latest.current.grant() : latest.current.grant),
      onSignedOut: () => setEnded(made),
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(environment === undefined ? {} : { environment }),
    });
    return made;
  }, [baseUrl, environment, user, attempt]);
  const access = useMemo(() => {
    const signedOut = ended === client;
    return { signedOut, renew: () => (signedOut ? setAttempt((before) => before + 1) : void client.renew()) };
  }, [client, ended]);
  // Before the effects of children, which may request something.
  useInsertionEffect(() => {
    latest.current = { grant, renew: access.renew };
  }, [grant, access]);
  useEffect(() => {
    if (typeof grant === "string") latest.current.renew();
  }, [grant]);
  return (
    <AccessContext.Provider value={access}>
      <ClientContext.Provider value={client}>{children}</ClientContext.Provider>
    </AccessContext.Provider>
  );
}

/** Whether access goes on. Throws outside `<Haulage>`. */
export function useAccess(): Access {
  const access = useContext(AccessContext);
  if (access === null) throw new Error("useAccess() is for components inside <Haulage>.");
  return access;
}

/** Who a token stands for: its issuer and subject, or an API key itself. */
function userOf(token: string): string {
  const { iss, sub } = claimsOf(token);
  return sub === undefined ? token : `${iss}|${sub}`;
}
