import { useId, useState } from "react";
import type { AddOptions } from "../../uploads/index.ts";
import { uploadTexts } from "../../uploadTexts.ts";

export interface Access {
  visibility: "private" | "shared" | "public";
  groups: readonly string[];
}

/** Who may use the files that are added next. At first as the server is set, which the gateway writes into the page. */
export function useAccess(): [Access, (access: Access) => void] {
  return useState<Access>(() => ({
    visibility: document.documentElement.dataset.uploadVisibility === "public" ? "public" : "private",
    groups: [],
  }));
}

/** What is sent with new uploads: files that are shared with no group yet are private. */
export function optionsOf({ visibility, groups }: Access): AddOptions {
  if (visibility !== "shared") return { visibility };
  return groups.length === 0 ? { visibility: "private" } : { visibility, groups: [...groups] };
}

interface Props {
  access: Access;
  /** Those of the user. */
  groups: readonly string[];
  onChange(access: Access): void;
}

export function VisibilityFields({ access, groups, onChange }: Props) {
  const id = useId();
  const text = uploadTexts.visibility;
  const choices = (["private", "shared", "public"] as const).filter((one) => one !== "shared" || groups.length > 0);
  return (
    <div className="field">
      <label htmlFor={id}>{text.label}</label>
      <select
        id={id}
        value={access.visibility}
        aria-describedby={`${id}-hint`}
        onChange={(event) => onChange({ ...access, visibility: event.target.value as Access["visibility"] })}
      >
        {choices.map((one) => (
          <option key={one} value={one}>
            {text[one]}
          </option>
        ))}
      </select>
      <p className="fine" id={`${id}-hint`}>
        {text.hint}
      </p>
      {access.visibility === "shared" && <Groups access={access} groups={groups} onChange={onChange} />}
    </div>
  );
}

function Groups({ access, groups, onChange }: Props) {
  const text = uploadTexts.visibility;
  const set = (group: string, on: boolean) =>
    onChange({ ...access, groups: [...access.groups.filter((one) => one !== group), ...(on ? [group] : [])] });
  return (
    <fieldset className="scopes">
      <legend>{text.groups}</legend>
      {groups.map((group) => (
        <label key={group} className="check">
          <input
            type="checkbox"
            checked={access.groups.includes(group)}
            onChange={(event) => set(group, event.target.checked)}
          />
          <span>{group}</span>
        </label>
      ))}
      <p className="wrong" role="status">
        {access.groups.length === 0 && text.noGroup}
      </p>
    </fieldset>
  );
}
