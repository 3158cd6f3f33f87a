import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "../styles/index.css";
import { Page } from "./Page.tsx";
import { applyTheme } from "./theme.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
applyTheme();
createRoot(root).render(
  <StrictMode>
    <Page />
  </StrictMode>,
);
