import { type ReactNode, useEffect, useRef } from "react";
import { texts } from "../texts.ts";
import { Icon } from "./Icon.tsx";

interface Props {
  label: string;
  onClose(): void;
  children: ReactNode;
}

/** A panel over the page, from the bottom on phones and from the side on tablets. The page behind it is inert. */
export function Sheet({ label, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      className="sheet"
      aria-label={label}
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="sheet-body">
        <button type="button" className="icon-button sheet-close" aria-label={texts.form.close} onClick={onClose}>
          <Icon name="cross" />
        </button>
        {children}
      </div>
    </dialog>
  );
}
