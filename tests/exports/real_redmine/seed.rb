# A Redmine with a project, a field for our id and people of several rights; run once, then copied.
%w[synchronous=OFF journal_mode=MEMORY].each { |one| ActiveRecord::Base.connection.execute("PRAGMA #{one}") }
ActiveJob::Base.queue_adapter = :inline # mail in a thread of its own would lock the database
ActiveRecord::Migration.verbose = false
ActiveRecord::Base.connection.migration_context.migrate
ActiveRecord::Base.descendants.each(&:reset_column_information)
Redmine::DefaultData::Loader.load("en") if Redmine::DefaultData::Loader.no_data?
Setting.rest_api_enabled = "1"
Setting.text_formatting = "common_mark"
Setting.default_language = "en"
Setting.notified_events = []

project = Project.create!(name: "Payments", identifier: "payments", is_public: false)
project.trackers = Tracker.all.to_a
project.enabled_module_names = %w[issue_tracking repository wiki]
other = Project.create!(name: "Other", identifier: "other", is_public: false)
other.trackers = Tracker.all.to_a
Project.create!(name: "Secret", identifier: "secret", is_public: false).trackers = Tracker.all.to_a
project.issue_categories.create!(name: "Checkout")
project.versions.create!(name: "2.0")

field = IssueCustomField.create!(name: "TaskTracker id", field_format: "string", is_for_all: true, is_filter: true)
quiet = IssueCustomField.create!(name: "No filter", field_format: "string", is_for_all: true, is_filter: false)
part = IssueCustomField.create!(
  name: "Component", field_format: "list", possible_values: %w[API App], is_for_all: true
)
[field, quiet, part].each { |one| one.trackers = Tracker.all.to_a }

can = %i[view_issues add_issues edit_issues add_issue_notes edit_own_issue_notes manage_issue_relations view_wiki_pages]
bot_role = Role.create!(name: "Exporter", permissions: can)
new_role = Role.create!(name: "Newcomer", permissions: %i[view_issues add_issues])
moves = IssueStatus.all.to_a.product(IssueStatus.all.to_a)
Tracker.all.each do |tracker|
  ([[nil, tracker.default_status]] + moves).each do |from, to|
    WorkflowTransition.create!(
      tracker: tracker, role: bot_role, old_status_id: from ? from.id : 0, new_status: to
    )
  end
  [bot_role, new_role].each do |role|
    WorkflowTransition.create!(tracker: tracker, role: role, old_status_id: 0, new_status: tracker.default_status)
  end
  ["priority_id", "assigned_to_id", field.id.to_s].each do |name|
    WorkflowPermission.create!(
      tracker: tracker, role: new_role, old_status_id: tracker.default_status_id, field_name: name, rule: "readonly"
    )
  end
end

def person(login, key, **changes)
  user = User.new(firstname: login.capitalize, lastname: "Robot", mail: "#{login}@example.com", language: "en")
  user.login = login
  user.password = user.password_confirmation = "correct horse #{login}"
  changes.each { |name, value| user.public_send("#{name}=", value) }
  user.save!
  Token.where(user_id: user.id, action: "api").delete_all
  Token.create!(user: user, action: "api").update_column(:value, key)
  user
end

bot = person("bot", "b" * 40)
newcomer = person("newcomer", "c" * 40)
person("stranger", "d" * 40)
person("boss", "a" * 40, admin: true)
person("hasty", "e" * 40, must_change_passwd: true)
twice = person("twice", "f" * 40)
twice.update_columns(twofa_scheme: "totp", twofa_totp_key: ROTP::Base32.random_base32)
Member.create!(project: project, user: bot, roles: [bot_role])
Member.create!(project: other, user: bot, roles: [bot_role])
Member.create!(project: project, user: newcomer, roles: [new_role])
