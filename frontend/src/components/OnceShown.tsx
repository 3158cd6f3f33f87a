import { useEffect, useId, useRef } from "react";
import { CopyButton } from "./CopyButton.tsx";
import { Notice } from "./Notice.tsx";

interface Props {
  title: string;
  /** A secret that the server does not show again. */
  secret: string;
  label: string;
  hint: string;
  copy: string;
}

/** A new secret, with a button to copy it. It has the focus, selected. */
export function OnceShown({ title, secret, label, hint, copy }: Props) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each secret is a new one
  useEffect(() => field.current?.focus(), [secret]);
  return (
    <Notice tone="good" title={title}>
      <div className="joined">
        <input
          ref={field}
          readOnly
          value={secret}
          aria-label={label}
          aria-describedby={id}
          onFocus={(event) => event.target.select()}
        />
        <CopyButton kind="plain" text={secret}>
          {copy}
        </CopyButton>
      </div>
      <p className="fine" id={id}>
        {hint}
      </p>
    </Notice>
  );
}
