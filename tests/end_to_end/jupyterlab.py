"""Finding one's way in JupyterLab."""

from playwright.sync_api import Locator, Page, expect


def open_notebook(page: Page, name: str) -> Locator:
    """The notebook of that name once its tab is in front and its kernel idle."""
    tab = page.get_by_role("tab", name=name)
    expect(tab).to_be_visible()
    tab.click()
    notebook = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    expect(notebook.locator(".jp-Notebook")).to_be_visible()
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    return notebook


def open_menu(page: Page, name: str) -> Locator:
    """A menu of the menu bar, opened."""
    page.get_by_role("menuitem", name=name, exact=True).click()
    menu = page.locator(".lm-Menu:visible").last
    expect(menu).to_be_visible()
    return menu


def open_assignments(page: Page) -> Locator:
    """nbgrader's assignment list, opened from its menu, once it is filled."""
    open_menu(page, "Nbgrader").get_by_role("menuitem", name="Assignment List", exact=True).click()
    assignments = page.locator("#assignments").last
    expect(assignments).to_be_visible()
    expect(assignments.locator(".list_loading:visible")).to_have_count(0)
    return assignments


def row(assignments: Locator, kind: str, name: str) -> Locator:
    """An assignment's row among the released, fetched or submitted ones."""
    return assignments.locator(f"#{kind}_assignments_list .list_item").filter(has_text=name).first


def panel(assignments: Locator, kind: str) -> Locator:
    """The list of released, fetched or submitted assignments with its heading."""
    return assignments.locator(f"#{kind}_assignments_list").locator("xpath=../..")


def find_cell(page: Page, notebook: Locator, text: str) -> Locator:
    """The cell that holds a text: the notebook is scrolled to it, as JupyterLab draws only what is in view."""
    cell = notebook.locator(".jp-Cell").filter(has_text=text).first
    notebook.locator(".jp-WindowedPanel-outer").hover()
    page.mouse.wheel(0, -100_000)
    for _ in range(80):
        if cell.count() and cell.is_visible():
            cell.scroll_into_view_if_needed()
            return cell
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(150)
    raise AssertionError(f"No cell holds '{text}'.")


def run_cell(page: Page, cell: Locator) -> None:
    """Run a cell by the keys that everybody uses."""
    cell.locator(".jp-InputArea-editor").click()
    page.keyboard.press("Shift+Enter")


def answer(page: Page, notebook: Locator, text: str, source: str) -> None:
    """Put an answer in place of what a cell holds."""
    cell = find_cell(page, notebook, text)
    if "jp-MarkdownCell" in (cell.get_attribute("class") or ""):
        cell.dblclick()
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


def save(page: Page) -> None:
    """Save the notebook in front by the keys that everybody uses, and wait until the file is written."""
    page.keyboard.press("Escape")
    with page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/contents/" in answer.url):
        page.keyboard.press("Control+s")
